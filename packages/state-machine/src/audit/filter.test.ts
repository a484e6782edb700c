import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilter } from "./filter.js";

const SUBJECT = { mount_point: "kv/", mount_type: "kv", namespace: "", operation: "read", path: "kv/data/app" };

test("a filter says of a record whether its device gets it", () => {
  const cases: [string, boolean][] = [
    ['mount_type == "kv"', true], ['mount_type != "kv"', false], ["operation == `read`", true], ["mount_type == kv and operation != update", true], ["data in path", true], ['"data" in path', true], ['"data" not in path', false],
    ['path contains "app"', true], ["path not contains \"app\"", false], ["namespace is empty", true], ["mount_point is not empty", true],
    ['mount_type == "pki" or operation == "read" and path contains "app"', true], ['(mount_type == "pki" or operation == "read") and path contains "x"', false],
    ['not mount_type == "pki" and not (operation == "update")', true], ['path == "a \\"quoted\\" \\\\ one"', false], ['not not namespace is empty', true],
    ['path matches "^kv/.*app$"', true], ["path matches `^kv/data/\\w+$`", true], ['path matches "data"', true], ['path matches "^data"', false], ["path not matches pki", true], ['path not matches "^kv"', false],
    ['operation matches "(?i)^(READ|LIST)$"', true], ['path matches "\\\\."', false], ['namespace matches ""', true], ['not path matches "x" and mount_type matches k', true],
  ];
  for (const [text, expected] of cases) assert.equal(parseFilter(text)(SUBJECT), expected, text);
});

test("what is no filter is a 400 that says what was expected", () => {
  const cases: [string, RegExp][] = [
    ['mount_typ == "kv"', /one of mount_point/], ["mount_type == )", /a value/], ['"mount_type" == kv', /one of mount_point/], ['mount_type = "kv"', /"="/], ['mount_type == "kv" &&', /"&"/], ['(mount_type == "kv"', /\) was expected, but it ends/],
    ['mount_type == "kv" or or', /one of mount_point/], ['path matches "("', /filter: "\(" is no regular expression: missing closing \)/], ['path matches "(?=a)"', /is no regular expression: invalid or unsupported Perl syntax/], ["path matches", /a value was expected, but it ends/], ["path matches )", /a value/],
    ['path not is empty', /contains or matches/], ['path like "a"', /==, !=, contains, matches or is/], ['path == "\\d"', /unknown escape/], ['path matches "a{1001}"', /invalid repeat count/], ["not", /it ends/], ['mount_type == "kv" path is empty', /and, or/], ["(".repeat(200), /nested too deeply/], ["not ".repeat(200), /nested too deeply/], ["a".repeat(5000), /4096/], ['path == "\u{1f600}', /no meaning/],
  ];
  for (const [text, message] of cases) assert.throws(() => parseFilter(text), (error: Error & { code?: string }) => error.code === "invalid_request" && message.test(error.message), text.slice(0, 40));
});

test("a regular expression takes time linear to the text", () => {
  const asked = parseFilter("path matches `^(a+)+$`");
  const since = performance.now();
  assert.equal(asked({ ...SUBJECT, path: `${"a".repeat(50_000)}b` }), false);
  assert.ok(performance.now() - since < 5000);
});
