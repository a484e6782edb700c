import { isNumberText } from "../framework/json.js";
import { compareBytes } from "./go-value.js";

/** JSON as Vault's CLI prints it: two spaces, keys sorted (a Map keeps its own order), <, > and & escaped. */
export function formatJson(value: unknown, indent = ""): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return quote(value);
  if (isNumberText(value)) return value.value;
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => inner + formatJson(item, inner)).join(",\n")}\n${indent}]`;
  }
  const entries = value instanceof Map ? [...value.entries()].map(([key, item]) => [String(key), item] as const) : sorted(value);
  if (entries.length === 0) return "{}";
  return `{\n${entries.map(([key, item]) => `${inner}${quote(key)}: ${formatJson(item, inner)}`).join(",\n")}\n${indent}}`;
}

function sorted(value: object): (readonly [string, unknown])[] {
  return Object.entries(value).sort(([a], [b]) => compareBytes(a, b));
}

function quote(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
