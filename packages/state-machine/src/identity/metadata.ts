import { invalid } from "../errors.js";

const MAX_PAIRS = 64;
const MAX_KEY_LENGTH = 128;
const MAX_VALUE_LENGTH = 512;

/** Throws RequestError 400 for more, or longer, than metadata may be. */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(metadata);
  const fail = (key: string, why: string) => invalid(`failed to load metadata pair (${JSON.stringify(key)}): ${why}`);
  if (pairs.length > MAX_PAIRS) throw invalid(`metadata cannot contain more than ${MAX_PAIRS} key/value pairs`);
  for (const [key, value] of pairs) {
    if (key === "") throw fail(key, "key cannot be blank");
    if (!/^[\w=/+-]+$/.test(key)) throw fail(key, "key contains invalid characters");
    if (key.length > MAX_KEY_LENGTH) throw fail(key, `key is too long (limit: ${MAX_KEY_LENGTH} characters)`);
    if (value.length > MAX_VALUE_LENGTH) throw fail(key, `value is too long (limit: ${MAX_VALUE_LENGTH} characters)`);
  }
}

/** Sorted, without blanks and duplicates. Throws RequestError 400 for root. */
export function checkedPolicies(names: readonly string[]): string[] {
  const policies = [...new Set(names.map((name) => name.trim()).filter((name) => name !== ""))].sort();
  if (policies.some((name) => name.toLowerCase() === "root")) throw invalid("policies cannot contain root");
  return policies;
}
