import { invalid, RequestError } from "@coffer/state-machine";
import type { RevokedEntry } from "./crl.js";
import { isOid } from "./der.js";
import { extension } from "./extensions.js";
import { OID } from "./oids.js";
import { isBase64 } from "./pem.js";
import { MAX_TIME_MS, parseRfc3339 } from "./role.js";

/** What a caller of sign-revocation-list says. Each throws RequestError 400, naming the entry. */
type Entry = Readonly<Record<string, unknown>>;

const RESERVED: Readonly<Record<string, string>> = Object.freeze({ [OID.authorityKeyIdentifier]: "authority key", [OID.crlNumber]: "crl number", [OID.deltaCrlIndicator]: "delta crl" });

function eachOf<T>(value: unknown, what: string, read: (entry: Entry) => T): T[] {
  if (value === undefined || value === null || value === "") return [];
  if (!Array.isArray(value)) throw invalid(`'${what}' field did not contain a slice`);
  return (value as unknown[]).map((entry, i) => {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) throw invalid(`${what} entry ${i} not a map`);
    try {
      return read(entry as Entry);
    } catch (error) {
      throw error instanceof RequestError ? invalid(`failed parsing ${what} entry ${i}: ${error.message}`) : error;
    }
  });
}

export function revokedEntries(value: unknown): RevokedEntry[] {
  const seen = new Set<string>();
  return eachOf(value, "revoked_certs", (entry) => {
    const hex = serialOf(entry["serial_number"]);
    if (seen.has(hex)) throw invalid(`duplicate serial number: ${String(entry["serial_number"])}`);
    seen.add(hex);
    return { serial: Buffer.from(hex, "hex"), revokedMs: timeOf(entry["revocation_time"]), extensions: crlExtensions(entry["extensions"]) };
  });
}

/** Whole extensions, DER. */
export function crlExtensions(value: unknown): Buffer[] {
  const seen = new Set<string>();
  return eachOf(value, "extensions", ({ id, critical, value: content }) => {
    if (typeof id !== "string" || !isOid(id)) throw invalid("'id' must be an object identifier");
    const reserved = RESERVED[id];
    if (reserved !== undefined) throw invalid(`${reserved} object identifier (${id}) is reserved`);
    if (seen.has(id)) throw invalid(`duplicate extension id: ${id}`);
    seen.add(id);
    if (typeof content !== "string" || !isBase64(content)) throw invalid("'value' must be base64");
    return extension(id, Buffer.from(content, "base64"), isCritical(critical));
  });
}

function isCritical(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return false;
  const text = String(value as string).toLowerCase();
  if (!["true", "false", "1", "0"].includes(text)) throw invalid("'critical' must be a boolean");
  return text === "true" || text === "1";
}

/** Hex without separators or leading zeros. */
function serialOf(value: unknown): string {
  const hex = typeof value === "string" ? value.replace(/[:.\- ]/g, "").toLowerCase() : "";
  if (!/^([0-9a-f]{2})+$/.test(hex)) throw invalid("'serial_number' must be hex");
  return hex.replace(/^(00)+(?=.)/, "");
}

/** RFC 3339, or seconds since 1970. */
function timeOf(value: unknown): number {
  const seconds = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)) ? Number(value) : undefined;
  const ms = seconds === undefined ? parseRfc3339(typeof value === "string" ? value : "", "'revocation_time'") : seconds * 1000;
  if (!(ms >= 0 && ms <= MAX_TIME_MS)) throw invalid("'revocation_time' must be a time of X.509");
  return ms;
}
