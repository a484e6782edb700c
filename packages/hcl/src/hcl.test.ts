import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { formatHcl, HclError, parseDuration, parseHcl, readBody } from "./index.js";

test("blocks, labels, lists, heredocs, comments", () => {
  const body = readBody(parseHcl('# c\nlistener "tcp" {\n  address = "0.0.0.0:8200" // x\n  list = ["a", "b",]\n}\ntext = <<-EOT\n    one\n      two\n    EOT\nttl = "1h30m"\nui = true\n/* y\n */\nn = 0x10\n', "f"));
  const [listener] = body.blocks("listener");
  assert.deepEqual(listener?.labels, ["tcp"]);
  assert.equal(listener?.body.string("address"), "0.0.0.0:8200");
  assert.deepEqual(listener?.body.strings("list"), ["a", "b"]);
  assert.equal(body.string("text"), "one\n  two\n");
  assert.equal(body.durationSeconds("ttl"), 5400);
  assert.equal(body.bool("ui"), true);
  assert.equal(body.int("n"), 16);
  body.end();
});

test("JSON is read as the same thing", () => {
  const body = readBody(parseHcl('{"listener": {"tcp": {"address": "x", "tls_disable": "true"}}, "storage": [{"raft": {"path": "/p"}}]}', "f.json"));
  const [listener] = body.blocks("listener");
  assert.deepEqual([listener?.labels, listener?.body.bool("tls_disable")], [["tcp"], true]);
  assert.deepEqual(body.blocks("storage").map((one) => [one.labels, one.body.string("path")]), [[["raft"], "/p"]]);
});

test("errors name file, line and column", () => {
  const at = (text: string, act: (text: string) => void): string => {
    try {
      act(text);
    } catch (error) {
      assert.ok(error instanceof HclError);
      return error.message;
    }
    return assert.fail("no error");
  };
  assert.equal(at('a = 1\nb = "x', (t) => parseHcl(t, "v.hcl")), "v.hcl:2:5: this string is never closed with a quote");
  assert.equal(at('\n  adress = "x"', (t) => { const b = readBody(parseHcl(t, "v.hcl")); b.string("address"); b.end(); }), 'v.hcl:2:3: unknown key "adress"; did you mean "address"?');
  assert.equal(at('ttl = "soon"', (t) => readBody(parseHcl(t, "v.hcl")).durationSeconds("ttl")), 'v.hcl:1:7: ttl takes a duration such as "10s", "24h" or "30d", not the string "soon"');
  assert.equal(at('x = 1\nx = 2', (t) => readBody(parseHcl(t, "v.hcl")).int("x")), "v.hcl:2:1: x is given twice");
  assert.equal(at("path {", (t) => parseHcl(t, "v.hcl")), "v.hcl:1:6: this block is never closed with }");
});

test("garbage never gives anything but HclError", () => {
  const piece = fc.constantFrom("{", "}", "[", "]", "=", ",", '"', "\\", "<<", "EOT", "\n", "a", "1", "-", "/*", "#", " ", "path", "true");
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(piece).map((parts) => parts.join(""))), (text) => {
      try {
        parseHcl(text, "f");
      } catch (error) {
        assert.ok(error instanceof HclError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("durations", () => {
  assert.deepEqual(["10s", "1h30m", "30d", "90", "500ms", "-5s"].map(parseDuration), [10, 5400, 2_592_000, 90, 0.5, -5]);
  assert.deepEqual(["", "s", "10x", "1h2"].map(parseDuration), [undefined, undefined, undefined, undefined]);
});

test("fmt indents, aligns, keeps comments, and is stable", () => {
  const once = formatHcl('path "secret/*" {\n# why\ncapabilities=["read"]\n     min_wrapping_ttl   = "1s"\n\n\n}');
  assert.equal(once, 'path "secret/*" {\n  # why\n  capabilities     = ["read"]\n  min_wrapping_ttl = "1s"\n\n}\n');
  assert.equal(formatHcl(once), once);
});
