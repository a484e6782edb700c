// How much of Vault's API there is (coverage/compare.mjs). After a build:
//
//     node scripts/coverage.mjs            a line a group, and the figure in all
//     node scripts/coverage.mjs --missing  and what is missing
//     node scripts/coverage.mjs --write    writes the table in docs/compatibility.md
//
// That a path is there says nothing of its fields and answers: docs/compatibility.md does.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./cluster-lib.mjs";
import { compare, percent } from "./coverage/compare.mjs";
import { DOCUMENT, withTable } from "./coverage/document.mjs";

const rows = compare();
for (const row of rows) console.log(`${row.group.padEnd(16)} ${String(row.there).padStart(4)} of ${String(row.all).padStart(4)}  ${percent(row).padStart(7)}`);
if (process.argv.includes("--missing")) console.log(`\n${rows.flatMap(({ missing }) => missing.map(({ path, method }) => `${method.padEnd(6)} ${path}`)).join("\n")}`);
if (process.argv.includes("--write")) {
  const file = join(root, DOCUMENT);
  writeFileSync(file, withTable(readFileSync(file, "utf8"), rows));
}
