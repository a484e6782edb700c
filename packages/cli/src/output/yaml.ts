import { stringify } from "yaml";
import { isNumberText } from "../framework/json.js";

/** YAML with sorted keys, lists flush with their key. */
export function formatYaml(value: unknown): string {
  return stringify(plain(value), { version: "1.1", sortMapEntries: true, indentSeq: false, lineWidth: 0 }).trim();
}

function plain(value: unknown): unknown {
  if (isNumberText(value)) return /^-?\d+$/.test(value.value) ? BigInt(value.value) : Number(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}
