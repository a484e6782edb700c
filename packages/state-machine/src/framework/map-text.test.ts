import assert from "node:assert/strict";
import { test } from "node:test";
import { mapFromText } from "./map-text.js";

test("the text of a map is JSON, or what HCL calls an object", () => {
  const claims = { repository: "mycompany/*", ref: ["refs/heads/main", 5, true, null], deep: { a: "b" } };
  assert.deepEqual(mapFromText(JSON.stringify(claims)), claims);
  assert.deepEqual(mapFromText(`{\n"repository"="mycompany/*",\nref = ["refs/heads/main", 5, true, null]\n  deep = { "a"="b" }\n}`), claims);
  assert.deepEqual(mapFromText(" {} "), {});
});

test("what is neither, says things twice or has blocks is no map", () => {
  for (const text of ["", "{", "a", "a=b", '{"a"="b"', '{"a"=b}', '{"a"="b"} {"c"="d"}', '{"a"="b", "a"="c"}', '{ a { b = "c" } }', "{ a = 1 }\nb = 2", `{ a = ${"[".repeat(200)}`, '{"a"}', "{a=<<X\n}"]) assert.equal(mapFromText(text), undefined, text);
});
