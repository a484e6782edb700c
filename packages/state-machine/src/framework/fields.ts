import { parseDuration } from "@coffer/hcl";
import { isLosslessNumber, isPlainObject, stringifyDocument } from "./document.js";
import { mapFromText } from "./map-text.js";

/**
 * Field kinds: how one input of a path is parsed, described and hidden. Each has ONE parse function, from unknown JSON (or a
 * query string) to a typed value; coercions follow Vault's framework (numbers as strings, comma lists, k=v lists).
 */

export interface FieldOptions {
  readonly description: string;
  readonly required?: boolean;
  readonly deprecated?: boolean;
  /** Shown as a password field, HMACed in audit even where a mount exempts other keys. */
  readonly sensitive?: boolean;
  /** Read only from the query string of the URL, in OpenAPI's terms. */
  readonly query?: boolean;
  readonly allowed?: readonly (string | number)[];
}

export type ParseResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

export interface FieldKind<T> {
  readonly name: string;
  readonly parse: (value: unknown) => ParseResult<T>;
  /** The fragment of the OpenAPI schema: {type, format?, items?}. */
  readonly openapi: Readonly<Record<string, unknown>>;
}

/** `Input` is what a handler sees: `T` with a default or when required, else `T | undefined` (undefined: not given). */
export interface Field<Input> extends FieldOptions {
  readonly kind: FieldKind<unknown>;
  readonly default?: unknown;
  /** Type-level only. */
  readonly _input?: Input;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type InputOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

type Declare<T> = {
  (options: FieldOptions & { readonly default: T }): Field<T>;
  (options: FieldOptions & { readonly required: true }): Field<T>;
  (options: FieldOptions): Field<T | undefined>;
};

export function declare<T>(kind: FieldKind<T>): Declare<T> {
  const make = (options: FieldOptions & { default?: T }) => ({ ...options, kind });
  return make as unknown as Declare<T>;
}

const ok = <T>(value: T): ParseResult<T> => ({ ok: true, value });
const bad = <T>(message: string): ParseResult<T> => ({ ok: false, message });

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (isLosslessNumber(value)) return "a number";
  return typeof value === "object" ? "a map" : `a ${typeof value}`;
}

function parseString(value: unknown): ParseResult<string> {
  // Half of a surrogate pair is no character: it becomes U+FFFD, as in Go's JSON.
  if (typeof value === "string") return ok(value.toWellFormed());
  if (typeof value === "number" || typeof value === "boolean") return ok(String(value));
  if (isLosslessNumber(value)) return ok(value.value);
  return bad(`expected a string, got ${describe(value)}`);
}

function parseInteger(value: unknown): ParseResult<number> {
  const number = typeof value === "number" ? value : typeof value === "string" && /^\s*[-+]?\d+\s*$/.test(value) ? Number(value) : typeof value === "boolean" ? Number(value) : NaN;
  if (Number.isSafeInteger(number)) return ok(number);
  return bad(typeof value === "string" || typeof value === "number" || isLosslessNumber(value) ? `cannot parse ${stringifyDocument(value)} as int` : `expected a number, got ${describe(value)}`);
}

function parseBool(value: unknown): ParseResult<boolean> {
  if (typeof value === "boolean") return ok(value);
  if (value === 0 || value === 1) return ok(value === 1);
  if (typeof value === "number") return bad(`cannot parse ${value} as bool`);
  if (typeof value === "string") {
    if (["1", "t", "T", "true", "TRUE", "True"].includes(value)) return ok(true);
    if (["", "0", "f", "F", "false", "FALSE", "False"].includes(value)) return ok(false);
    return bad(`cannot parse ${JSON.stringify(value)} as bool`);
  }
  return bad(`expected a bool, got ${describe(value)}`);
}

/** Whole seconds. */
function parseDurationField(value: unknown): ParseResult<number> {
  if (value === "" || value === null) return ok(0);
  const seconds = typeof value === "number" ? value : typeof value === "string" ? parseDuration(value) : undefined;
  if (seconds === undefined || !Number.isFinite(seconds) || Math.abs(seconds) > MAX_DURATION_SECONDS) return bad(`time: invalid duration ${stringifyDocument(value)}`);
  return ok(Math.trunc(seconds));
}

function parseStrings(value: unknown, split: boolean): ParseResult<string[]> {
  if (value === null) return ok([]);
  if (typeof value === "string" || typeof value === "number") {
    const text = String(value);
    if (!split) return ok([text.toWellFormed()]);
    return ok(text === "" ? [] : text.toWellFormed().split(",").map((part) => part.trim()));
  }
  if (!Array.isArray(value)) return bad(`expected a list of strings, got ${describe(value)}`);
  const strings: string[] = [];
  for (const item of value as unknown[]) {
    const parsed = parseString(item);
    if (!parsed.ok) return parsed;
    strings.push(split ? parsed.value.trim() : parsed.value);
  }
  return ok(strings);
}

function parsePairs(value: unknown): ParseResult<Record<string, string>> {
  const entries: [string, string][] = [];
  if (isPlainObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      const parsed = parseString(item);
      if (!parsed.ok) return parsed;
      entries.push([key, parsed.value]);
    }
    return ok(Object.fromEntries(entries));
  }
  if (typeof value === "string" && value.trim().startsWith("{")) return parseJsonText(value, parsePairs);
  const items = parseStrings(value, true);
  if (!items.ok) return items;
  for (const item of items.value.filter((one) => one !== "")) {
    const equals = item.indexOf("=");
    if (equals < 1) return bad(`expected key=value, got ${JSON.stringify(item)}`);
    entries.push([item.slice(0, equals).trim(), item.slice(equals + 1).trim()]);
  }
  return ok(Object.fromEntries(entries));
}

function parseJsonText<T>(text: string, parse: (value: unknown) => ParseResult<T>): ParseResult<T> {
  try {
    return parse(JSON.parse(text));
  } catch {
    return bad("invalid JSON");
  }
}

function parseMap(value: unknown): ParseResult<Readonly<Record<string, unknown>>> {
  if (isPlainObject(value)) return ok(value);
  if (typeof value === "string" && value.trim().startsWith("{")) {
    const map = mapFromText(value);
    return isPlainObject(map) ? ok(map) : bad("invalid JSON");
  }
  return bad(`expected a map, got ${describe(value)}`);
}

function parseTime(value: unknown): ParseResult<Date> {
  const date = typeof value === "number" ? new Date(value * 1000) : typeof value === "string" ? new Date(/^\d+$/.test(value) ? Number(value) * 1000 : value) : undefined;
  return date && !Number.isNaN(date.getTime()) ? ok(date) : bad(`cannot parse ${stringifyDocument(value)} as a time`);
}

function mapped<A, B>(parse: (value: unknown) => ParseResult<A>, change: (value: A) => ParseResult<B>): (value: unknown) => ParseResult<B> {
  return (value) => {
    const parsed = parse(value);
    return parsed.ok ? change(parsed.value) : parsed;
  };
}

/** Beyond this a duration is a mistake (Go's overflow at 292 years). */
const MAX_DURATION_SECONDS = 9_223_372_036;
const STRING = { type: "string" };
const STRINGS = { type: "array", items: STRING };

/** The kinds an engine declares its fields with. */
export const field = {
  string: declare<string>({ name: "string", parse: parseString, openapi: STRING }),
  lowerString: declare<string>({ name: "lowercase string", parse: mapped(parseString, (text) => ok(text.toLowerCase())), openapi: STRING }),
  int: declare<number>({ name: "int", parse: parseInteger, openapi: { type: "integer" } }),
  /** An int64 in Vault; JavaScript's safe integers here. */
  int64: declare<number>({ name: "int64", parse: parseInteger, openapi: { type: "integer", format: "int64" } }),
  float: declare<number>({ name: "float", parse: (value) => (value !== "" && value !== null && typeof value !== "object" && Number.isFinite(Number(value)) ? ok(Number(value)) : bad("expected a number")), openapi: { type: "number", format: "float" } }),
  bool: declare<boolean>({ name: "bool", parse: parseBool, openapi: { type: "boolean" } }),
  /** Seconds; "1h30m", "3600", 3600 and "30d" on the way in. */
  duration: declare<number>({ name: "duration", parse: mapped(parseDurationField, (seconds) => (seconds < 0 ? bad(`cannot provide negative value '${seconds}'`) : ok(seconds))), openapi: { type: "integer", format: "seconds" } }),
  signedDuration: declare<number>({ name: "signed duration", parse: parseDurationField, openapi: { type: "integer", format: "seconds" } }),
  /** An array, or one comma-separated string. */
  commaList: declare<string[]>({ name: "comma-separated list", parse: (value) => parseStrings(value, true), openapi: STRINGS }),
  stringList: declare<string[]>({ name: "list", parse: (value) => parseStrings(value, false), openapi: STRINGS }),
  intList: declare<number[]>({
    name: "list of ints",
    parse: (value) => {
      if (!Array.isArray(value) && typeof value !== "string" && typeof value !== "number") return bad(`expected a list of numbers, got ${describe(value)}`);
      const items = Array.isArray(value) ? (value as unknown[]) : String(value).split(",").filter((part) => part.trim() !== "");
      const numbers: number[] = [];
      for (const item of items) {
        const parsed = parseInteger(item);
        if (!parsed.ok) return parsed;
        numbers.push(parsed.value);
      }
      return ok(numbers);
    },
    openapi: { type: "array", items: { type: "integer" } },
  }),
  /** A map, or "k=v" strings. */
  pairs: declare<Record<string, string>>({ name: "key-value pairs", parse: parsePairs, openapi: { type: "object", format: "kvpairs" } }),
  /** An object; or its text, as JSON or HCL have it. */
  map: declare<Readonly<Record<string, unknown>>>({ name: "map", parse: parseMap, openapi: { type: "object", format: "map" } }),
  any: declare<unknown>({ name: "any", parse: ok, openapi: {} }),
  time: declare<Date>({ name: "time", parse: parseTime, openapi: { type: "string", format: "date-time" } }),
  /** One segment that names something: letters, digits, and inside of it `-`, `_`, `.` too. */
  name: declare<string>({ name: "name", parse: mapped(parseString, (text) => (/^\w(([\w-.]+)?\w)?$/.test(text) ? ok(text) : bad(`invalid name ${JSON.stringify(text)}`))), openapi: STRING }),
};
