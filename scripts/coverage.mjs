// How much of Vault's API there is: compares the declarations behind sys/internal/specs/openapi with the list in
// coverage/reference-endpoints.json (path and methods by group, as an OpenAPI document of the same API has them). After a build:
//
//     node scripts/coverage.mjs            a line a group, and the figure in all
//     node scripts/coverage.mjs --missing  and what is missing
//
// An endpoint is one method of one path; LIST is a method. That a path is there says nothing of its fields and answers:
// docs/compatibility.md does.
import { readFileSync } from "node:fs";
import { engines } from "../packages/engines/dist/index.js";
import { rawSystemEngine } from "../packages/state-machine/dist/index.js";

const METHODS = { read: "GET", list: "LIST", update: "POST", patch: "PATCH", delete: "DELETE" };
const reference = JSON.parse(readFileSync(new URL("coverage/reference-endpoints.json", import.meta.url), "utf8"));

function groupOf({ type, table, paths }) {
  if (type === "system") return "sys";
  if (table === "auth") return `auth/${type}`;
  return type === "kv" ? (paths.some(({ template }) => template.startsWith("metadata")) ? "kv-v2" : "kv-v1") : type;
}

/** `keys/{name}/config` as a pattern for paths whose parameters may have other names; `{path...}` takes several segments. */
function patternOf(template) {
  const source = template.replace(/\/$/, "").replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+(\\\.){3}\}/g, ".+").replace(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${source}$`);
}

const ours = new Map([...engines, rawSystemEngine].map((engine) => [groupOf(engine), engine.paths.map(({ template, operations }) => ({ pattern: patternOf(template), methods: new Set(Object.keys(operations).map((name) => METHODS[name])) }))]));

const rows = [];
const missing = [];
for (const [group, paths] of Object.entries(reference)) {
  const declared = ours.get(group) ?? [];
  let there = 0;
  let all = 0;
  for (const [path, methods] of Object.entries(paths)) {
    const matching = declared.filter(({ pattern }) => pattern.test(path.replace(/\/$/, "")));
    for (const method of methods) {
      all += 1;
      if (matching.some((one) => one.methods.has(method))) there += 1;
      else missing.push(`${method.padEnd(6)} ${group}/${path}`);
    }
  }
  rows.push({ group, there, all });
}
rows.push({ group: "all", there: rows.reduce((sum, { there }) => sum + there, 0), all: rows.reduce((sum, { all }) => sum + all, 0) });
for (const { group, there, all } of rows) console.log(`${group.padEnd(16)} ${String(there).padStart(4)} of ${String(all).padStart(4)}  ${((100 * there) / all).toFixed(1).padStart(5)} %`);
if (process.argv.includes("--missing")) console.log(`\n${missing.join("\n")}`);
