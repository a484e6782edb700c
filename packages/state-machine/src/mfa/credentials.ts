import { invalid } from "../errors.js";

/** What somebody gave for each method, by its id or name. */
export type MfaCredentials = ReadonlyMap<string, readonly string[]>;

/** What a request may carry. */
const MAX_ENTRIES = 32;

/**
 * X-Vault-MFA: `name`, `name:passcode` or `name:key=value`; the header may be repeated (joined by newlines here).
 * Undefined without the header. Throws RequestError 400.
 */
export function parseMfaHeader(header: string | undefined): MfaCredentials | undefined {
  if (header === undefined || header.trim() === "") return undefined;
  const lines = header.split("\n");
  if (lines.length > MAX_ENTRIES) throw invalid(`failed to parse X-Vault-MFA header: more than ${MAX_ENTRIES} of them`);
  const given = new Map<string, string[]>();
  for (const line of lines) {
    const [name, value] = splitOnce(line.trim(), ":");
    if (name === "") throw invalid("failed to parse X-Vault-MFA header: missing method name");
    if (value === "") throw invalid(`failed to parse X-Vault-MFA header: missing value after ${JSON.stringify(`${name}:`)}`);
    const values = given.get(name) ?? [];
    if (value !== undefined) values.push(value);
    given.set(name, values);
  }
  return given;
}

/** `mfa_payload` of sys/mfa/validate: `{<id or name>: ["123456"]}`; a single text does too. Throws RequestError 400. */
export function parseMfaPayload(payload: Readonly<Record<string, unknown>>): MfaCredentials {
  const entries = Object.entries(payload);
  if (entries.length > MAX_ENTRIES) throw invalid("invalid mfa payload");
  return new Map(entries.map(([name, value]) => {
    const list = Array.isArray(value) ? (value as unknown[]) : [value];
    if (!list.every((one) => typeof one === "string")) throw invalid("invalid mfa payload");
    return [name, list];
  }));
}

/** The passcode among what was given for a method: bare, or as `passcode=…`. Undefined: none, or more than one. */
export function passcodeOf(credentials: readonly string[]): string | undefined {
  const codes = credentials.filter((one) => one !== "").map((one) => (one.startsWith("passcode=") ? one.slice("passcode=".length) : one));
  return codes.length === 1 ? codes[0] : undefined;
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
