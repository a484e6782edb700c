import { invalid } from "../errors.js";
import { parseExpression } from "./expression.js";
import type { Predicate } from "./expression.js";

type Json = Readonly<Record<string, unknown>>;

/** What a device leaves out of the records that match: Vault's `exclude`. */
export interface Exclusion {
  /** Of the record as the device would have written it. */
  readonly applies: Predicate<Json>;
  readonly fields: readonly Pointer[];
}

/** RFC 6901, taken apart. */
type Pointer = readonly string[];

const MAX_EXCLUSIONS = 64;
const MAX_FIELDS = 256;

/** A JSON array of `{condition, fields}`. Throws RequestError 400. */
export function parseExclusions(text: string): readonly Exclusion[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw invalid("exclude must be a JSON array of exclusions");
  }
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_EXCLUSIONS) throw invalid(`exclude must be a JSON array of 1 to ${MAX_EXCLUSIONS} exclusions`);
  return given.map(exclusionOf);
}

function exclusionOf(given: unknown): Exclusion {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw invalid("exclude: an exclusion must be an object with fields, and may have a condition");
  const { condition = "", fields, ...rest } = given as { readonly condition?: unknown; readonly fields?: unknown };
  const [other] = Object.keys(rest);
  if (other !== undefined) throw invalid(`exclude: an exclusion has a condition and fields, not ${JSON.stringify(other)}`);
  if (typeof condition !== "string") throw invalid("exclude: condition must be a string");
  if (!Array.isArray(fields) || fields.length === 0 || fields.length > MAX_FIELDS) throw invalid(`exclude: fields must be a list of 1 to ${MAX_FIELDS} JSON pointers`);
  return { applies: condition.trim() === "" ? () => true : parseCondition(condition), fields: fields.map(pointerOf) };
}

function pointerOf(text: unknown): Pointer {
  // The empty one is the whole record, which `filter` leaves out.
  if (typeof text !== "string" || !text.startsWith("/") || /~(?![01])/.test(text)) throw invalid(`exclude: ${JSON.stringify(text)} is no JSON pointer to a field, such as "/request/data"`);
  return text.slice(1).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Fields are named by JSON pointers in quotes: `"/request/mount_type" == transit`. */
function parseCondition(text: string): Predicate<Json> {
  return parseExpression<Json>(text, {
    what: "exclude condition",
    selectors: 'a field as a JSON pointer in quotes, such as "/request/mount_type",',
    selector(name, isQuoted) {
      if (!isQuoted || !name.startsWith("/")) return undefined;
      const pointer = pointerOf(name);
      return (record) => pointer.reduce<unknown>(memberOf, record);
    },
  });
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Json)[name] : undefined;
}

/** All conditions look at the record as it was. */
export function withoutExcluded(record: Json, exclusions: readonly Exclusion[]): Json {
  const fields = exclusions.filter(({ applies }) => applies(record)).flatMap((exclusion) => exclusion.fields);
  return fields.reduce<Json>((left, field) => remove(left, field) as Json, record);
}

/** A copy where something is taken out. Items of a list are left out by their place in what is left. */
function remove(value: unknown, [name, ...rest]: Pointer): unknown {
  if (name === undefined || typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return value;
  if (Array.isArray(value)) {
    const index = Number(name);
    if (!Number.isInteger(index)) return value;
    return rest.length === 0 ? value.toSpliced(index, 1) : value.with(index, remove(value[index], rest));
  }
  const { [name]: member, ...others } = value as Json;
  return rest.length === 0 ? others : { ...(value as Json), [name]: remove(member, rest) };
}
