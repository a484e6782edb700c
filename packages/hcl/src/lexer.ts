import { HclError } from "./ast.js";
import type { Position } from "./ast.js";

/** Where a token stands, and its characters as they are written. */
interface Place {
  readonly at: Position;
  readonly source: string;
}

type Content =
  | { readonly kind: "name" | "string"; readonly text: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "punctuation"; readonly text: "{" | "}" | "[" | "]" | "=" | "," | ":" }
  | { readonly kind: "comment" | "newline" | "end" };

export type Token = Content & Place;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\", a: "\x07", b: "\b", f: "\f", v: "\v", "/": "/" };
const ESCAPE_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const OCTAL_ESCAPE = /[0-7]{3}/y;
const NAME_START = /[\p{L}_]/u;
const NAME_PART = /[\p{L}\p{N}_.-]/u;
/** Blanks, and the mark that some editors begin a file with. */
const BETWEEN = " \t\r\uFEFF";
const NUMBER = /[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?)/y;
const OCTAL = /^0\d+$/;

/** HCL 1 (and JSON) into tokens, comments among them. Throws HclError. */
export function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  const isJson = /^[\s\uFEFF]*\{/.test(text);
  let at = 0;
  let line = 1;
  let lineStart = 0;
  const position = (): Position => ({ line, column: at - lineStart + 1 });
  const fail = (problem: string, where = position()): never => {
    throw new HclError(file, where, problem);
  };
  const newline = () => {
    line += 1;
    lineStart = at;
  };
  const lineEnd = () => {
    const end = text.indexOf("\n", at);
    return end < 0 ? text.length : end;
  };

  function skipBlockComment(): void {
    const begin = position();
    const end = text.indexOf("*/", at + 2);
    if (end < 0) fail("this comment is never closed with */", begin);
    for (; at < end + 2; at++) {
      if (text[at] === "\n") {
        line += 1;
        lineStart = at + 1;
      }
    }
  }

  /** `${…}` has no meaning here, but quotes within it end no string, and backslashes stand for themselves. Leaves `at` on its last brace. */
  function interpolation(string: Position): string {
    const begin = at;
    let open = 0;
    for (at += 1; at < text.length; at++) {
      if (text[at] === "{") open += 1;
      else if (text[at] === "}" && --open === 0) return text.slice(begin, at + 1);
      else if (text[at] === "\n") break;
    }
    return fail("this string holds ${ without the brace that closes it", string);
  }

  function octalAt(from: number): string | undefined {
    OCTAL_ESCAPE.lastIndex = from;
    return OCTAL_ESCAPE.exec(text)?.[0];
  }

  function quoted(): string {
    const begin = position();
    let value = "";
    for (at += 1; ; at++) {
      const char = text[at];
      if (char === undefined || char === "\n") return fail("this string is never closed with a quote", begin);
      if (char === '"') break;
      if (!isJson && text.startsWith("${", at)) {
        value += interpolation(begin);
        continue;
      }
      if (char !== "\\") {
        value += char;
        continue;
      }
      const where = position();
      at += 1;
      const escape = text[at] ?? "";
      const width = ESCAPE_DIGITS[escape];
      const octal = octalAt(at);
      if (width !== undefined) {
        const digits = text.slice(at + 1, at + 1 + width);
        if (digits.length < width || !/^[0-9a-fA-F]+$/.test(digits) || parseInt(digits, 16) > 0x10ffff) fail(`\\${escape} needs ${width} hexadecimal digits`, where);
        value += String.fromCodePoint(parseInt(digits, 16));
        at += width;
      } else if (octal !== undefined) {
        value += String.fromCodePoint(parseInt(octal, 8));
        at += octal.length - 1;
      } else if (Object.hasOwn(ESCAPES, escape)) value += ESCAPES[escape];
      else if (escape === "" || escape === "\n") fail("this string is never closed with a quote", begin);
      else fail(`unknown escape \\${escape}; a backslash in a string is written twice: \\\\`, where);
    }
    at += 1;
    return value;
  }

  /** `<<EOT` keeps indentation; `<<-EOT` takes off that of its last line, if every line has it. */
  function heredoc(): string {
    const begin = position();
    const head = /<<(-?)([\p{L}\p{N}_]+)[ \t]*\r?\n/uy;
    head.lastIndex = at;
    const match = head.exec(text);
    if (!match) return fail("a heredoc starts with <<NAME at the end of its line", begin);
    const marker = match[2]!;
    at += match[0].length;
    newline();
    const lines: string[] = [];
    for (;;) {
      const end = lineEnd();
      const current = text.slice(at, end).replace(/\r$/, "");
      if (current.endsWith(marker) && current.trimStart() === marker) {
        at += current.length;
        const indent = match[1] === "-" ? current.slice(0, current.length - marker.length) : "";
        const cut = lines.every((one) => one.startsWith(indent)) ? indent.length : 0;
        return lines.map((one) => `${one.slice(cut)}\n`).join("");
      }
      if (end === text.length) return fail(`this heredoc is never closed with ${marker} on a line of its own`, begin);
      lines.push(current);
      at = end + 1;
      newline();
    }
  }

  /** Moves `at` past what starts there; undefined for what is between tokens. */
  function content(char: string): Content | undefined {
    if (char === "\n") {
      at += 1;
      return { kind: "newline" };
    }
    if (BETWEEN.includes(char)) {
      at += 1;
      return undefined;
    }
    if (char === "#" || text.startsWith("//", at)) {
      at = lineEnd();
      return { kind: "comment" };
    }
    if (text.startsWith("/*", at)) {
      skipBlockComment();
      return { kind: "comment" };
    }
    if (char === '"') return { kind: "string", text: quoted() };
    if (text.startsWith("<<", at)) return { kind: "string", text: heredoc() };
    if ("{}[]=,:".includes(char)) {
      at += 1;
      return { kind: "punctuation", text: char as "{" };
    }
    const begin = at;
    if (NAME_START.test(char)) {
      while (at < text.length && NAME_PART.test(text[at]!)) at += 1;
      return { kind: "name", text: text.slice(begin, at) };
    }
    return { kind: "number", value: number() };
  }

  function number(): number {
    const where = position();
    NUMBER.lastIndex = at;
    const digits = NUMBER.exec(text)?.[0];
    if (digits === undefined) return fail(`unexpected character ${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))}`);
    at += digits.length;
    if (at < text.length && NAME_PART.test(text[at]!)) fail(`${digits}${text[at]} is neither a number nor a name; put it in quotes`, where);
    const sign = digits.startsWith("-") ? -1 : 1;
    const size = digits.replace(/^[-+]/, "");
    if (!OCTAL.test(size)) return sign * Number(size);
    if (/[89]/.test(size)) fail(`${digits} begins with 0, and is no octal number`, where);
    return sign * parseInt(size, 8);
  }

  refuseNull(text, file);
  while (at < text.length) {
    const where = position();
    const begin = at;
    const found = content(text[at]!);
    if (found) tokens.push(Object.assign(found, { at: where, source: text.slice(begin, at) }));
    if (found?.kind === "newline") newline();
  }
  tokens.push({ kind: "end", at: position(), source: "" });
  return tokens;
}

function refuseNull(text: string, file: string): void {
  const at = text.indexOf("\0");
  if (at < 0) return;
  const before = text.slice(0, at).split("\n");
  throw new HclError(file, { line: before.length, column: before.at(-1)!.length + 1 }, "a null character has no place here");
}
