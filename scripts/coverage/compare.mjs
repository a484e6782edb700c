// Compares the declarations of engines with reference-endpoints.json (path and methods by group, as an OpenAPI document of
// Vault's API has them). An endpoint is one method of one path; LIST is a method. One that is declared only to say that it is
// not supported (its summary begins with `Refused`) does not count as there.
import { readFileSync } from "node:fs";
import { allEngines } from "../../packages/engines/dist/index.js";
import { rawSystemEngine } from "../../packages/state-machine/dist/index.js";

const METHODS = { read: "GET", list: "LIST", update: "POST", patch: "PATCH", delete: "DELETE" };

function groupOf({ type, table, paths }) {
  if (type === "system") return "sys";
  if (table === "auth") return `auth/${type}`;
  return type === "kv" ? (paths.some(({ template }) => template.startsWith("metadata")) ? "kv-v2" : "kv-v1") : type;
}

/**
 * `keys/{name}/config` as a pattern for paths whose parameters may have other names; `{path...}` takes several segments, and none for
 * lists.
 */
function patternOf(template, method) {
  const [rest, orNone] = method === "LIST" ? ["(/.+)?", "(.+)?"] : ["/.+", ".+"];
  const source = template.replace(/\/$/, "").replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\/\{\w+(\\\.){3}\}/g, rest).replace(/^\{\w+(\\\.){3}\}/, orNone).replace(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${source}$`);
}

const isOffered = ([, { summary }]) => !summary.startsWith("Refused");

/** A row a group, and one of all: `{ group, there, all, missing: [{ path, method }] }`. */
export function compare() {
  const reference = JSON.parse(readFileSync(new URL("reference-endpoints.json", import.meta.url), "utf8"));
  const ours = new Map([...allEngines(), rawSystemEngine].map((engine) => [groupOf(engine), engine.paths.flatMap(({ template, operations }) => Object.entries(operations).filter(isOffered).map(([name]) => ({ method: METHODS[name], pattern: patternOf(template, METHODS[name]) })))]));
  const rows = Object.entries(reference).map(([group, paths]) => {
    const declared = ours.get(group) ?? [];
    const isThere = (path, method) => declared.some((one) => one.method === method && one.pattern.test(path.replace(/\/$/, "")));
    const endpoints = Object.entries(paths).flatMap(([path, methods]) => methods.map((method) => ({ path, method })));
    const missing = endpoints.filter(({ path, method }) => !isThere(path, method)).map(({ path, method }) => ({ path: `${group}/${path}`, method }));
    return { group, there: endpoints.length - missing.length, all: endpoints.length, missing };
  });
  const sum = (member) => rows.reduce((total, row) => total + row[member], 0);
  return [...rows, { group: "all", there: sum("there"), all: sum("all"), missing: [] }];
}

export const percent = ({ there, all }) => `${((100 * there) / all).toFixed(1)} %`;
