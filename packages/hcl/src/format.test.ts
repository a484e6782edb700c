import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { HclError } from "./ast.js";
import { formatHcl } from "./format.js";
import { parseHcl } from "./parser.js";
import { randomFile, randomText } from "./testing/random-text.js";

/** What a file says, wherever it says it. */
const meaning = (text: string) => JSON.stringify(parseHcl(text, "f"), (key, value: unknown) => (key === "at" ? undefined : value));
const comments = (text: string) => text.match(/#.*|\/\/.*/g)?.length ?? 0;

test("fmt indents, aligns and keeps comments", () => {
  const written = formatHcl('\n\npath   "secret/*"   {\n# why\ncapabilities=["read",  "list"] // all\n     min_wrapping_ttl   = "1s"\n\n\n  allowed_parameters={\n"*"=[ ]\n}\n}\npath "x"{}');
  assert.equal(written, 'path "secret/*" {\n  # why\n  capabilities     = ["read", "list"] // all\n  min_wrapping_ttl = "1s"\n\n  allowed_parameters = {\n    "*" = []\n  }\n}\npath "x" {}\n');
});

test("fmt leaves what is in strings, heredocs and comments alone", () => {
  const text = 'path "a  {  b" {\n  x = "# {"\n}\n\n# <<EOT {\ny = <<EOT\n {  }\n   }\nEOT\nz = 1\n/* {\n  x\n*/\nlist = [\n  "]",\n]\n';
  assert.equal(formatHcl(text), text);
});

test("fmt of a file that does not parse is its error", () => {
  assert.throws(() => formatHcl("path {", "p.hcl"), { message: "p.hcl:1:6: this block is never closed with }" });
});

test("fmt changes no meaning, loses no comment, and does nothing the second time", () => {
  fc.assert(
    fc.property(randomFile, (text) => {
      const once = formatHcl(text);
      assert.equal(meaning(once), meaning(text));
      assert.equal(comments(once), comments(text));
      assert.equal(formatHcl(once), once);
    }),
    { numRuns: 1000 },
  );
});

test("fmt of random text gives the same meaning or an HclError", () => {
  fc.assert(
    fc.property(randomText, (text) => {
      try {
        assert.equal(meaning(formatHcl(text)), meaning(text));
      } catch (error) {
        assert.ok(error instanceof HclError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
