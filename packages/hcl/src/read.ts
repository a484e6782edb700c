import { HclError } from "./ast.js";
import type { Attribute, Body, Item, Position, Value } from "./ast.js";
import { nestedBlocks } from "./blocks.js";
import { closest } from "./closest.js";
import { describeValue } from "./describe.js";
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
  /**
   * Nested blocks of that name, in order. A block that is written as a value (`listener = { tcp = { … } }`, and all of
   * JSON) has its labels as keys: `labels` says how many.
   */
  blocks(name: string, labels?: number): BlockReader[];
  /** One nested block or object, as parsed: for keys that are data. */
  object(name: string): Body | undefined;
  /** All items of that name, as parsed: for keys of which only the presence matters. */
  items(name: string): readonly Item[];
  /** String-valued free-form attributes of the block (`options { … }`). */
  stringMap(): Record<string, string>;
  /** Read and dropped: accepted for compatibility. */
  ignore(...names: string[]): void;
  at(name: string): Position;
  /** Throws HclError at that key, or at the body where it has none. */
  fail(name: string, problem: string): never;
  /** Every key must have been read. */
  end(): void;
}

export interface BlockReader {
  readonly labels: readonly string[];
  readonly at: Position;
  readonly body: BodyReader;
  /** Throws HclError at the block's name. */
  fail(problem: string): never;
}

export function readBody(body: Body): BodyReader {
  const read = new Set<string>();

  const failAt = (at: Position, problem: string, file = body.file): never => {
    throw new HclError(file, at, problem);
  };
  const find = (name: string) => body.items.find((item) => item.name === name);
  const take = (name: string) => {
    read.add(name);
    return body.items.filter((item) => item.name === name);
  };
  const single = (name: string): Item | undefined => {
    const [first, second] = take(name);
    if (second) failAt(second.at, `${name} is given twice`, second.file);
    return first;
  };

  function attribute(name: string): Attribute | undefined {
    const item = single(name);
    if (item?.kind === "block") failAt(item.at, `${name} takes a value (${name} = …), not a block`, item.file);
    return item?.kind === "attribute" && item.value.kind !== "null" ? item : undefined;
  }

  const wrong = (found: Attribute, wanted: string): never => failAt(found.value.at, `${found.name} takes ${wanted}, not ${describeValue(found.value)}`, found.file);

  return {
    string(name) {
      const found = attribute(name);
      if (!found) return undefined;
      if (found.value.kind === "string") return found.value.value;
      if (found.value.kind === "number") return found.value.text;
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
      return found && (parseBool(found.value) ?? wrong(found, "true or false"));
    },
    durationSeconds(name) {
      const found = attribute(name);
      if (!found) return undefined;
      const seconds = found.value.kind === "number" ? parseDuration(String(found.value.value)) : found.value.kind === "string" ? parseDuration(found.value.value) : undefined;
      return seconds === undefined || seconds < 0 ? wrong(found, 'a duration such as "10s", "24h" or "30d"') : seconds;
    },
    strings(name) {
      const found = attribute(name);
      if (!found) return undefined;
      const { value, file } = found;
      if (value.kind === "string") return value.value === "" ? [] : value.value.split(",").map((part) => part.trim());
      if (value.kind !== "list") return wrong(found, "a list of strings");
      return value.items.map((item) => (item.kind === "string" ? item.value : item.kind === "number" ? item.text : failAt(item.at, `${name} takes strings, not ${describeValue(item)}`, file)));
    },
    blocks: (name, labels = 0) =>
      take(name).flatMap((item) =>
        nestedBlocks(item, labels).map((block) => ({ labels: block.labels, at: item.at, body: readBody(block.body), fail: (problem) => failAt(item.at, problem, item.file) })),
      ),
    object(name) {
      const item = single(name);
      if (item?.kind !== "attribute") return item?.body;
      return item.value.kind === "object" ? item.value.body : failAt(item.value.at, `${name} takes a block ({ … }), not ${describeValue(item.value)}`, item.file);
    },
    items: take,
    stringMap() {
      const pair = (name: string): [string, string] | undefined => {
        const found = attribute(name);
        const value = found?.value;
        if (!value) return undefined;
        if (value.kind === "number") return [name, value.text];
        return value.kind === "string" || value.kind === "bool" ? [name, String(value.value)] : wrong(found, "a string");
      };
      return Object.fromEntries(body.items.map(({ name }) => pair(name)).filter((one) => one !== undefined));
    },
    ignore: (...names) => names.forEach((name) => read.add(name)),
    at: (name) => find(name)?.at ?? body.at,
    fail(name, problem) {
      const item = find(name);
      return failAt(item?.kind === "attribute" ? item.value.at : (item?.at ?? body.at), problem, item?.file);
    },
    end() {
      const unknown = body.items.find((item) => !read.has(item.name));
      if (!unknown) return;
      const near = closest(unknown.name, [...read]);
      failAt(unknown.at, `unknown key ${JSON.stringify(unknown.name)}${near ? `; did you mean ${JSON.stringify(near)}?` : ""}`, unknown.file);
    },
  };
}

/** What Go's strconv takes for a boolean, and the empty string as false. */
function parseBool(value: Value): boolean | undefined {
  if (value.kind === "bool") return value.value;
  if (value.kind !== "string" && value.kind !== "number") return undefined;
  const text = (value.kind === "number" ? value.text : value.value).toLowerCase();
  if (["true", "1", "t"].includes(text)) return true;
  return ["false", "0", "f", ""].includes(text) ? false : undefined;
}
