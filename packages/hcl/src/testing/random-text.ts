import fc from "fast-check";

const piece = fc.constantFrom("{", "}", "[", "]", "=", ":", ",", '"', "\\", "\\u", "${", "\\101", "<<", "<<-", "EOT", "<<EOT\n", "\nEOT\n", "\n", "\r\n", "a", "1", "-", ".", "0x", "1e", "/*", "*/", "//", "#", " ", "\t", "path", "true", "null", '"x"', "é", "😀", "\0");

/** Text that is nearly HCL, and text that is nothing. */
export const randomText = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.array(piece, { maxLength: 60 }).map((parts) => parts.join("")));

const indented = (lines: readonly string[]) => lines.map((line) => `   ${line}\n`).join("");
const name = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,8}$/).filter((text) => !["true", "false", "null"].includes(text));
const quoted = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("${")).map((text) => JSON.stringify(text));
const heredoc = fc.array(fc.stringMatching(/^[ a-z{}#"]{0,12}$/).filter((line) => line.trim() !== "eot"), { maxLength: 3 }).map((lines) => `<<-eot\n${indented(lines)}  eot`);
const scalar = fc.oneof(quoted, fc.integer().map(String), fc.constantFrom("true", "false", "null", "0x1f", "1.5e3"), heredoc);
const list = fc.array(fc.oneof(quoted, fc.integer().map(String))).chain((items) => fc.constantFrom(`[${items.join(",")}]`, `[\n${items.map((item) => `${item} ,  # why\n`).join("")}]`));
const blank = fc.constantFrom("", " ", "   ", "\t");
const comment = fc.constantFrom("# { [ \"", "// <<EOT", "/* } */", "/* a\n   b */", "");

const { body } = fc.letrec<{ body: string; item: string }>((tie) => ({
  body: fc.array(tie("item"), { maxLength: 4 }).map((items) => items.join("")),
  item: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.tuple(blank, fc.oneof(name, quoted), blank, blank, fc.oneof(scalar, list), comment).map(([a, key, b, c, value, note]) => `${a}${key}${b}=${c}${value}${value.startsWith("<<") ? "" : ` ${note}`}\n`),
    fc.tuple(comment, blank).map(([note, end]) => `${note}${end}\n`),
    fc.tuple(blank, name, fc.array(quoted, { maxLength: 2 }), tie("body"), blank).map(([a, key, labels, inner, b]) => `${a}${[key, ...labels].join(" ")} {\n${inner}${b}}\n`),
  ),
}));

/** Files that parse, laid out without care. */
export const randomFile = body;
