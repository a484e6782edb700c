import { invalid, isLosslessNumber } from "@coffer/state-machine";
import type { Metadata } from "./storage.js";

/** Free text of users about a secret, within Vault's limits. Lengths are in bytes of UTF-8. */
export type CustomMetadata = Metadata["custom_metadata"];

const MAX_KEYS = 64;
const MAX_KEY_BYTES = 128;
const MAX_VALUE_BYTES = 512;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;
const FAILED = "custom_metadata validation failed";

/** Replaces what was there. Throws RequestError 400 that names every key that breaks a limit. */
export function parseCustomMetadata(values: Readonly<Record<string, unknown>>): CustomMetadata {
  return checked(Object.entries(values).map(([key, value]) => [key, toText(value)]));
}

/** By JSON merge patch: null removes a key, or all of them. Throws as `parseCustomMetadata` does. */
export function patchCustomMetadata(before: CustomMetadata, patch: Readonly<Record<string, unknown>> | null): CustomMetadata {
  if (patch === null) return null;
  const merged = new Map(Object.entries(before ?? {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, toText(value));
  }
  return checked([...merged]);
}

/** Scalars become text; true is "1", as Vault stores it. */
function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return value ? "1" : "0";
  if (isLosslessNumber(value)) return value.value;
  if (value === null) return "";
  throw invalid(`${FAILED}: expected a string, got ${Array.isArray(value) ? "a list" : "a map"}`);
}

function checked(entries: readonly (readonly [string, string])[]): CustomMetadata {
  const problems = entries.length > MAX_KEYS ? [`payload must contain at most ${MAX_KEYS} keys, provided ${entries.length}`] : entries.flatMap(([key, value]) => problemsOf(key, value));
  if (problems.length > 0) throw invalid(`${problems.length} error${problems.length === 1 ? "" : "s"} occurred:\n${problems.map((problem) => `\t* ${FAILED}: ${problem}\n`).join("")}\n`);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function problemsOf(key: string, value: string): string[] {
  const problems: string[] = [];
  const name = JSON.stringify(key);
  const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)];
  if (keyBytes === 0 || keyBytes > MAX_KEY_BYTES) problems.push(`length of key ${name} is ${keyBytes} but must be 0 < len(key) <= ${MAX_KEY_BYTES}`);
  if (valueBytes === 0 || valueBytes > MAX_VALUE_BYTES) problems.push(`length of value for key ${name} is ${valueBytes} but must be 0 < len(value) <= ${MAX_VALUE_BYTES}`);
  if (!PRINTABLE.test(key)) problems.push(`key ${name} (${key}) contains unprintable characters`);
  if (!PRINTABLE.test(value)) problems.push(`value for key ${name} contains unprintable characters`);
  return problems;
}
