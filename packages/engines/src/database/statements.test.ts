import assert from "node:assert/strict";
import { test } from "node:test";
import { expirationText, fillIn, splitStatements } from "./statements.js";

test("statements come as a list, parted by semicolons, in base64 or as a JSON list", () => {
  assert.deepEqual(splitStatements(["A; B;\n", " C "]), ["A", "B", "C"]);
  assert.deepEqual(splitStatements([Buffer.from("CREATE x; GRANT y").toString("base64")]), ["CREATE x", "GRANT y"]);
  assert.deepEqual(splitStatements(['["A; still A", "B"]']), ["A; still A", "B"]);
  assert.deepEqual(splitStatements(["[not json"]), ["[not json"]);
  assert.deepEqual(splitStatements(["", " ; "]), []);
});

test("values are raw text, and filled in once", () => {
  assert.equal(fillIn(`"{{name}}" '{{password}}' {{username}} {{other}}`, { name: "n", username: "u", password: "$& {{name}}" }), `"n" '$& {{name}}' u {{other}}`);
  assert.equal(fillIn("{{expiration}}", {}), "{{expiration}}");
});

test("an expiration is a time in UTC", () => assert.equal(expirationText(Date.UTC(2026, 0, 2, 3, 4, 5, 999)), "2026-01-02 03:04:05+0000"));
