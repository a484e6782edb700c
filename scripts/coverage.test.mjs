// docs/compatibility.md says what the declarations say.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { root } from "./cluster-lib.mjs";
import { compare } from "./coverage/compare.mjs";
import { DOCUMENT, withTable } from "./coverage/document.mjs";

test(`the table in ${DOCUMENT} is what the script writes`, () => {
  const text = readFileSync(join(root, DOCUMENT), "utf8");
  assert.equal(text, withTable(text, compare()), "it is stale: run `node scripts/coverage.mjs --write`");
});
