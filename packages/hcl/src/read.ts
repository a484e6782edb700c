import { HclError } from "./ast.js";
import type { Attribute, Block, Body, Position, Value } from "./ast.js";
import { parseDuration } from "./duration.js";

/** Reads one body key by key; what was not read by the end is an error that names its place. */
export interface BodyReader {
  string(name: string): string | undefined;
  /** Also from a string, as HCL 1 writes often have it. */
  int(name: string): number | undefined;
  bool(name: string): boolean | undefined;
  /** Seconds, from "10s" or a number. */
  durationSeconds(name: string): number | undefined;
  /** From a list, or one comma-separated string. */
  strings(name: string): string[] | undefined;
  /** Nested blocks of that name (an object value counts as one), in order. */
  blocks(name: string): BlockReader[];
  /** One nested block or object, as parsed: for keys that are data. */
  object(name: string): Body | undefined;
  /** String-valued free-form attributes of the block (`options { … }`). */
  stringMap(): Record<string, string>;
  /** Read and dropped: accepted for compatibility. */
  ignore(...names: string[]): void;
  at(name: string): Position;
  fail(name: string, problem: string): never;
  /** Every key must have been read. */
  end(): void;
}

export interface BlockReader {
  readonly labels: readonly string[];
  readonly at: Position;
  readonly body: BodyReader;
}

export function readBody(body: Body): BodyReader {
  const read = new Set<string>();
  const { file } = body;

  const failAt = (at: Position, problem: string): never => {
    throw new HclError(file, at, problem);
  };
  const find = (name: string) => body.items.find((item) => item.name === name);

  function attribute(name: string): Attribute | undefined {
    read.add(name);
    const [first, second] = body.items.filter((item) => item.name === name);
    if (second) failAt(second.at, `${name} is given twice`);
    if (first?.kind === "block") failAt(first.at, `${name} takes a value (${name} = …), not a block`);
    return first?.kind === "attribute" && first.value.kind !== "null" ? first : undefined;
  }

  const wrong = (found: Attribute, wanted: string): never => failAt(found.value.at, `${found.name} takes ${wanted}, not ${describeValue(found.value)}`);

  return {
    string(name) {
      const found = attribute(name);
      if (!found) return undefined;
      if (found.value.kind === "string") return found.value.value;
      if (found.value.kind === "number") return String(found.value.value);
      return wrong(found, "a string");
    },
    int(name) {
      const found = attribute(name);
      if (!found) return undefined;
      const value = found.value.kind === "number" ? found.value.value : found.value.kind === "string" && /^-?\d+$/.test(found.value.value) ? Number(found.value.value) : NaN;
      return Number.isSafeInteger(value) ? value : wrong(found, "a whole number");
    },
    bool(name) {
      const found = attribute(name);
      if (!found) return undefined;
      const { value } = found;
      if (value.kind === "bool") return value.value;
      const text = value.kind === "string" ? value.value.toLowerCase() : value.kind === "number" ? String(value.value) : "";
      if (["true", "1", "t"].includes(text)) return true;
      if (["false", "0", "f", ""].includes(text) && value.kind !== "object" && value.kind !== "list") return false;
      return wrong(found, "true or false");
    },
    durationSeconds(name) {
      const found = attribute(name);
      if (!found) return undefined;
      const seconds = found.value.kind === "number" ? found.value.value : found.value.kind === "string" ? parseDuration(found.value.value) : undefined;
      return seconds === undefined || seconds < 0 ? wrong(found, 'a duration such as "10s", "24h" or "30d"') : seconds;
    },
    strings(name) {
      const found = attribute(name);
      if (!found) return undefined;
      if (found.value.kind === "string") return found.value.value === "" ? [] : found.value.value.split(",").map((part) => part.trim());
      if (found.value.kind !== "list") return wrong(found, "a list of strings");
      return found.value.items.map((item) => (item.kind === "string" ? item.value : item.kind === "number" ? String(item.value) : failAt(item.at, `${name} takes strings, not ${describeValue(item)}`)));
    },
    blocks(name) {
      read.add(name);
      return body.items.filter((item) => item.name === name).flatMap((item) => blockReaders(item, file));
    },
    object(name) {
      read.add(name);
      const item = find(name);
      if (!item) return undefined;
      if (item.kind === "block") return item.body;
      return item.value.kind === "object" ? item.value.body : failAt(item.value.at, `${name} takes a block ({ … }), not ${describeValue(item.value)}`);
    },
    stringMap() {
      const map: Record<string, string> = {};
      for (const item of body.items) {
        read.add(item.name);
        if (item.kind === "block") failAt(item.at, `${item.name} takes a value here, not a block`);
        else if (item.value.kind === "string" || item.value.kind === "number" || item.value.kind === "bool") map[item.name] = String(item.value.value);
        else failAt(item.value.at, `${item.name} takes a string, not ${describeValue(item.value)}`);
      }
      return map;
    },
    ignore: (...names) => names.forEach((name) => read.add(name)),
    at: (name) => find(name)?.at ?? body.at,
    fail: (name, problem) => failAt((find(name) as Attribute | undefined)?.value?.at ?? find(name)?.at ?? body.at, problem),
    end() {
      const unknown = body.items.find((item) => !read.has(item.name));
      if (!unknown) return;
      const near = closest(unknown.name, [...read]);
      failAt(unknown.at, `unknown key ${JSON.stringify(unknown.name)}${near ? `; did you mean ${JSON.stringify(near)}?` : ""}`);
    },
  };
}

/** `listener "tcp" {…}`, `listener = {tcp = {…}}` and the JSON forms all give labelled bodies. */
function blockReaders(item: Attribute | Block, file: string): BlockReader[] {
  if (item.kind === "block") return [{ labels: item.labels, at: item.at, body: readBody(item.body) }];
  const values = item.value.kind === "list" ? item.value.items : [item.value];
  return values.flatMap((value) => {
    if (value.kind !== "object") throw new HclError(file, value.at, `${item.name} takes a block ({ … }), not ${describeValue(value)}`);
    const [only] = value.body.items;
    const isLabelled = value.body.items.length === 1 && only?.kind === "attribute" && (only.value.kind === "object" || (only.value.kind === "list" && only.value.items.every((one) => one.kind === "object")));
    if (!isLabelled) return [{ labels: [], at: item.at, body: readBody(value.body) }];
    return blockReaders(only, file).map((block) => ({ ...block, labels: [only.name, ...block.labels] }));
  });
}

function describeValue(value: Value): string {
  switch (value.kind) {
    case "string":
      return `the string ${JSON.stringify(value.value)}`;
    case "number":
    case "bool":
      return String(value.value);
    case "list":
      return "a list";
    case "object":
      return "a block";
    case "null":
      return "null";
  }
}

/** The known word at an edit distance of at most a third of the length. */
export function closest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    previous = row;
  }
  return previous[b.length]!;
}
