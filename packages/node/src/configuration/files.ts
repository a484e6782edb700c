import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseHcl } from "@coffer/hcl";
import type { Body, Item } from "@coffer/hcl";
import { ConfigurationError } from "./environment.js";

/** Blocks that a node has one of: a later file's takes the place of an earlier one's. The others add up. */
const SINGLE = new Set(["storage", "ha_storage", "telemetry", "seal"]);

/**
 * The files, and the *.hcl and *.json of the folders, as one body. Within a file a key stands once; of several files the
 * last one counts, so that a folder may hold a base and what one node has different. Throws HclError or ConfigurationError.
 */
export function readFiles(paths: readonly string[]): Body {
  const files = paths.flatMap(filesOf);
  const [first] = files;
  if (first === undefined) throw new ConfigurationError(paths.length === 0 ? "no configuration is named; give -config=FILE" : `there is no *.hcl and no *.json file in ${paths.join(", ")}`);
  const bodies = files.map((file) => parseHcl(readText(file), file));
  return { items: bodies.reduce<readonly Item[]>((merged, { items }) => merge(merged, items), []), file: first, at: { line: 1, column: 1 } };
}

function merge(earlier: readonly Item[], later: readonly Item[]): Item[] {
  const replaced = new Set(later.filter(isSingle).map(({ name }) => name));
  return [...earlier.filter(({ name }) => !replaced.has(name)), ...later];
}

/** A value that is a plain one, or a block of which there is one; `listener = { … }` of JSON is neither. */
function isSingle(item: Item): boolean {
  if (SINGLE.has(item.name)) return true;
  if (item.kind === "block") return false;
  const { value } = item;
  const holdsBlocks = value.kind === "object" || (value.kind === "list" && value.items.some(({ kind }) => kind === "object"));
  return !holdsBlocks;
}

function filesOf(path: string): string[] {
  const stats = attempt(path, () => statSync(path));
  if (!stats.isDirectory()) return [path];
  return attempt(path, () => readdirSync(path, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory() && /^[^.#].*\.(hcl|json)$/.test(entry.name))
    .map((entry) => join(path, entry.name))
    .sort();
}

function readText(path: string): string {
  const bytes = attempt(path, () => readFileSync(path));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigurationError(`the configuration ${path} is not UTF-8 text`);
  }
}

const REASONS: Readonly<Record<string, string>> = { ENOENT: "no such file or folder", EACCES: "permission denied", EISDIR: "it is a folder" };

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new ConfigurationError(`cannot read the configuration ${path}: ${REASONS[code] ?? code}`);
  }
}
