import { isNumberText } from "../framework/json.js";

/** A value as Go's %v prints it: `<nil>`, `[a b]`, `map[k:v]` with sorted keys. Tables are made of these. */
export function formatGoValue(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "string") return value;
  if (isNumberText(value)) return value.value;
  if (Array.isArray(value)) return `[${value.map(formatGoValue).join(" ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).sort(([a], [b]) => compareBytes(a, b));
    return `map[${entries.map(([key, item]) => `${key}:${formatGoValue(item)}`).join(" ")}]`;
  }
  return String(value);
}

/** A list of strings as Go's %q prints it. */
export function formatGoQuoted(value: unknown): string {
  const items = Array.isArray(value) ? value : [];
  return `[${items.map((item) => JSON.stringify(String(item))).join(" ")}]`;
}

/** Go sorts strings by their bytes, not by the reader's language. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
