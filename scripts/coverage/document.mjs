// The table in docs/compatibility.md, between two markers: it is written by the script and checked by a test.
import { percent } from "./compare.mjs";

export const DOCUMENT = "docs/compatibility.md";
const BEGIN = "<!-- coverage: written by `node scripts/coverage.mjs --write` -->";
const END = "<!-- coverage: end -->";

/** `GET, POST path` a path. */
function missingOf({ missing }) {
  const byPath = new Map();
  for (const { path, method } of missing) byPath.set(path, [...(byPath.get(path) ?? []), method]);
  return [...byPath].map(([path, methods]) => `\`${methods.join(", ")} ${path}\``).join("<br>");
}

function block(rows) {
  const lines = rows.map((row) => `| ${row.group === "all" ? "**all**" : `\`${row.group}\``} | ${row.there} of ${row.all} | ${percent(row)} | ${missingOf(row)} |`);
  return [BEGIN, "| group | endpoints | | missing |", "| --- | --- | --- | --- |", ...lines, END].join("\n");
}

/** The document with its table as it has to be. Throws where the markers are not there. */
export function withTable(text, rows) {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} does not have the two markers of its table`);
  return text.slice(0, begin) + block(rows) + text.slice(end + END.length);
}
