import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { HclError } from "./ast.js";
import type { Value } from "./ast.js";
import { parseHcl } from "./parser.js";
import { randomFile, randomText } from "./testing/random-text.js";

function value(text: string): unknown {
  const [item] = parseHcl(`x = ${text}\n`, "f").items;
  assert.ok(item?.kind === "attribute");
  return plain(item.value);
}

function plain(found: Value): unknown {
  switch (found.kind) {
    case "list":
      return found.items.map(plain);
    case "object":
      return Object.fromEntries(found.body.items.map((item) => [item.name, item.kind === "attribute" ? plain(item.value) : "block"]));
    case "null":
      return null;
    default:
      return found.value;
  }
}

function problem(text: string): string {
  try {
    parseHcl(text, "v.hcl");
  } catch (error) {
    assert.ok(error instanceof HclError);
    return error.message;
  }
  return assert.fail("no error");
}

test("numbers: decimal, hexadecimal, fractions, exponents, signs", () => {
  assert.deepEqual(["0", "42", "-7", "+7", "0x1F", "-0x10", "1.5", ".5", "2e3", "1.5E-1", "010"].map(value), [0, 42, -7, 7, 31, -16, 1.5, 0.5, 2000, 0.15, 8]);
  assert.equal(problem("x = 09"), "v.hcl:1:5: 09 begins with 0, and is no octal number");
  assert.equal(problem("x = 10s"), 'v.hcl:1:5: 10s is neither a number nor a name; put it in quotes');
  assert.equal(problem("x = 1.2.3"), 'v.hcl:1:5: 1.2. is neither a number nor a name; put it in quotes');
});

test("strings: escapes, characters beyond 16 bits, empty", () => {
  assert.equal(value(String.raw`"a\"b\\c\n\t\r\u00e9\U0001F600\x41\/"`), 'a"b\\c\n\t\ré😀A/');
  assert.equal(value('"\\ud83d\\ude00 😀"'), "😀 😀");
  assert.equal(value('""'), "");
  assert.equal(value(String.raw`"\101\1012"`), "AA2");
  assert.equal(value(String.raw`"a/${"x\y{}"}/b\t"`), String.raw`a/${"x\y{}"}/b` + "\t", "quotes and backslashes within ${} stand for themselves");
  assert.deepEqual(parseHcl('{"a": "${"}', "f").items.map((item) => item.kind === "attribute" && plain(item.value)), ["${"], "JSON has no such thing");
  assert.equal(value('"# no // comment /* here */ {{identity.entity.id}} ${x}"'), "# no // comment /* here */ {{identity.entity.id}} ${x}");
});

test("strings that are wrong are refused where they are wrong", () => {
  assert.equal(problem('a = 1\nb = "x'), "v.hcl:2:5: this string is never closed with a quote");
  assert.equal(problem('b = "x\n"'), "v.hcl:1:5: this string is never closed with a quote");
  assert.equal(problem('b = "x\\'), "v.hcl:1:5: this string is never closed with a quote");
  assert.equal(problem(String.raw`b = "C:\data"`), String.raw`v.hcl:1:8: unknown escape \d; a backslash in a string is written twice: \\`);
  assert.equal(problem('b = "${x"\n'), "v.hcl:1:5: this string holds ${ without the brace that closes it");
  assert.equal(problem('b = "\0"'), "v.hcl:1:6: a null character has no place here");
  assert.equal(problem(String.raw`b = "\u12"`), "v.hcl:1:6: \\u needs 4 hexadecimal digits");
  assert.equal(problem(String.raw`b = "\UFFFFFFFF"`), "v.hcl:1:6: \\U needs 8 hexadecimal digits");
});

test("heredocs keep their lines; the dash takes off the last line's indentation, if all lines have it", () => {
  assert.equal(value("<<EOT\n  one\n\ttwo # not a comment\nEOT"), "  one\n\ttwo # not a comment\n");
  assert.equal(value("<<-EOT\n    one\n      two\n    EOT"), "one\n  two\n");
  assert.equal(value("<<-EOT\n    one\n  two\n    EOT"), "    one\n  two\n");
  assert.equal(value("<<EOT\r\none\r\n  EOT\r"), "one\n");
  assert.equal(value("<<EOT\nEOT"), "");
  assert.equal(problem("a = 1\nx = <<EOT\none\nEOTS\n"), "v.hcl:2:5: this heredoc is never closed with EOT on a line of its own");
  assert.equal(problem("x = << EOT\n"), "v.hcl:1:5: a heredoc starts with <<NAME at the end of its line");
});

test("what follows a heredoc or a comment of several lines is found on its own line", () => {
  assert.equal(problem("x = <<EOT\none\nEOT\n/* a\nb */ y = \n"), "v.hcl:6:1: expected a value, found the end of the file");
});

test("comments of all three kinds stand where a blank may", () => {
  const items = parseHcl('# one\n// two\n/* three\n*/ a = 1 /* four */ // five\nb = [ # six\n 1, // seven\n 2 /* eight */ ]\n#', "f").items;
  assert.deepEqual(items.map((item) => item.kind === "attribute" && plain(item.value)), [1, [1, 2]]);
  assert.equal(problem("a = 1\n /* b"), "v.hcl:2:2: this comment is never closed with */");
});

test("blocks have labels, may be on one line, empty, and nested", () => {
  const [a, b] = parseHcl('a "x" "y" { b = 1 }\nc {}\n', "f").items;
  assert.ok(a?.kind === "block" && b?.kind === "block");
  assert.deepEqual([a.labels, a.body.items.length, b.body.items.length], [["x", "y"], 1, 0]);
});

test("lines have no meaning: items may share one, and one may take several", () => {
  const kinds = (text: string) => parseHcl(text, "f").items.map((item) => `${item.kind} ${item.name}${item.kind === "block" ? `(${item.labels.join()})[${item.body.items.map(({ name }) => name).join()}]` : ""}`);
  assert.deepEqual(kinds('path "a" { b = 1 c = [2] } path "d"{e=3}f = 4 g = {}'), ["block path(a)[b,c]", "block path(d)[e]", "attribute f", "attribute g"]);
  assert.deepEqual(kinds('path\n\n"a" # why\n{\nb\n=\n[\n1\n]\n}\n'), ["block path(a)[b]"]);
  assert.deepEqual([value("[, 1,, 2 , ]"), value("[,]")], [[1, 2], []]);
});

test("JSON is a file of the same items", () => {
  const [a, b] = parseHcl('{\n  "a": {"b": [1, "x", true, null, {"c": "d"}]},\n  "e": -1.5e2\n}\n', "f").items;
  assert.ok(a?.kind === "attribute" && b?.kind === "attribute");
  assert.deepEqual([plain(a.value), plain(b.value)], [{ b: [1, "x", true, null, { c: "d" }] }, -150]);
  assert.equal(problem('{"a": 1} x'), 'v.hcl:1:10: expected the end of the file, found "x"');
  assert.equal(problem('{"a": 1'), "v.hcl:1:1: this block is never closed with }");
});

test("structure that is wrong is refused where it is wrong", () => {
  assert.equal(problem('path "x" {\n  a = 1\n'), "v.hcl:1:10: this block is never closed with }");
  assert.equal(problem("ui\nlog = 1"), "v.hcl:1:3: expected = or { after ui, found the end of the line");
  assert.equal(problem("}"), 'v.hcl:1:1: expected a key or a block, found "}"');
  assert.equal(problem("x = [1 2]"), "v.hcl:1:8: expected a comma or ] in this list, found 2");
  assert.equal(problem("x = yes"), "v.hcl:1:5: yes is not a value; put text in quotes");
  assert.equal(problem("ui true"), "v.hcl:1:8: expected = or { after ui true, found the end of the file");
  assert.equal(problem("x = @"), 'v.hcl:1:5: unexpected character "@"');
  assert.equal(problem("é = 😀"), 'v.hcl:1:5: unexpected character "😀"');
});

test("nesting without end is refused, not followed", () => {
  for (const open of ["[", "{a=", 'a "b" {']) assert.match(problem(`x = 1\n${open === "[" ? "y = " : open === "{a=" ? "y = " : ""}${open.repeat(50_000)}`), /nested deeper than 100 levels/);
});

test("random text never gives anything but HclError, with a place inside the text", () => {
  fc.assert(
    fc.property(randomText, (text) => {
      try {
        parseHcl(text, "f");
      } catch (error) {
        assert.ok(error instanceof HclError, String(error));
        const lines = text.split("\n");
        assert.ok(error.at.line >= 1 && error.at.line <= lines.length);
        assert.ok(error.at.column >= 1 && error.at.column <= lines[error.at.line - 1]!.length + 1);
      }
    }),
    { numRuns: 3000 },
  );
});

test("a large file of anything takes time in proportion", () => {
  for (const part of ['"', "<<EOT\n", "/*", "a", "[", "{", "1", "a=1\n", "\\", " ", "é"]) {
    const begin = performance.now();
    try {
      parseHcl(part.repeat(100_000), "f");
    } catch (error) {
      assert.ok(error instanceof HclError);
    }
    assert.ok(performance.now() - begin < 10_000, JSON.stringify(part));
  }
});

test("careless files parse", () => {
  fc.assert(fc.property(randomFile, (text) => void parseHcl(text, "f")), { numRuns: 500 });
});

test("any value that JSON can write is read back", () => {
  const keyed = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true });
  fc.assert(
    fc.property(keyed, (object) => {
      const text = JSON.stringify(object);
      const read = plain({ kind: "object", body: parseHcl(text, "f.json"), at: { line: 1, column: 1 } });
      assert.equal(JSON.stringify(read), JSON.stringify(JSON.parse(text)));
    }),
  );
});
