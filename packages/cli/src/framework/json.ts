/** A number as its digits, for those that a double cannot hold or would print otherwise (1.50, 12345678901234567890). */
export type NumberText = { readonly isLosslessNumber: true; readonly value: string };

/** Digits that JSON.parse followed by printing might not give back. */
const RISKY = /[0-9]{16,}|[0-9]\.[0-9]|[0-9][eE]/;

/** Parses JSON so that every number can be printed as the server wrote it. */
export async function parseExactJson(text: string): Promise<unknown> {
  if (!RISKY.test(text)) return JSON.parse(text);
  const { parse } = await import("lossless-json");
  return parse(text);
}

/** The inverse, for data that goes back to the server. */
export async function formatExactJson(value: unknown): Promise<string> {
  const { stringify } = await import("lossless-json");
  return stringify(value) ?? "null";
}

export function isNumberText(value: unknown): value is NumberText {
  return typeof value === "object" && value !== null && (value as { isLosslessNumber?: unknown }).isLosslessNumber === true;
}

/** A number, however it was parsed; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return isNumberText(value) ? Number(value.value) : undefined;
}

export function recordOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isNumberText(value) ? (value as Record<string, unknown>) : undefined;
}
