import type { KeyObject } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import { certificatesPem } from "./key-answer.js";
import { typeOf } from "./key-types.js";
import { ed25519Key, privateKey, publicKey, rawEd25519PublicKey } from "./material.js";
import type { Key, KeyVersion } from "./storage.js";

const KINDS = ["encryption-key", "signing-key", "hmac-key", "public-key", "certificate-chain"] as const;
const FORMATS = ["", "raw", "der", "pem"] as const;

export type ExportKind = (typeof KINDS)[number];
export type ExportFormat = (typeof FORMATS)[number];

export const isExportKind = (text: string): text is ExportKind => (KINDS as readonly string[]).includes(text);
export const isExportFormat = (text: string): text is ExportFormat => (FORMATS as readonly string[]).includes(text);

function symmetric(base64: string, format: ExportFormat): string {
  if (format === "der" || format === "pem") throw invalid("unknown format for HMAC key; supported values are `` or `raw`");
  return base64;
}

function encode(key: KeyObject, type: "pkcs1" | "pkcs8" | "sec1" | "spki", format: ExportFormat): string {
  const options = { format: format === "der" ? "der" : "pem", type } as never;
  const encoded = key.export(options) as string | Buffer;
  return typeof encoded === "string" ? encoded : encoded.toString("base64");
}

/** Vault ends the PEM of RSA keys with a line break, and of others without. */
const trimmed = (isRsa: boolean, pem: string) => (isRsa ? pem : pem.trim());

function exportPrivate(key: Key, version: KeyVersion, format: ExportFormat): string {
  // Only the public half was imported.
  if (version.secret === "") return "";
  const { family } = typeOf(key.type);
  switch (family) {
    case "ed25519":
      return format === "" || format === "raw" ? version.secret : encode(ed25519Key(version), "pkcs8", format).trim();
    case "rsa":
    case "ec": {
      if (format === "raw") throw invalid(`unknown key format for ${family} key; supported values are \`\`, \`der\`, or \`pem\``);
      const usual = family === "rsa" ? "pkcs1" : "sec1";
      return trimmed(family === "rsa", encode(privateKey(version), format === "" ? usual : "pkcs8", format));
    }
    default:
      return symmetric(version.secret, format);
  }
}

function exportPublic(key: Key, version: KeyVersion, format: ExportFormat): string {
  const { family } = typeOf(key.type);
  if (family === "aead" || family === "hmac") throw invalid(`unknown key type ${key.type} for export type public-key`);
  // It is half of what the keys of contexts are derived from.
  if (key.derived) return "";
  if (family === "ed25519" && (format === "" || format === "raw")) return rawEd25519PublicKey(version).toString("base64");
  if (format === "raw") throw invalid(`unknown key format for ${family} key; supported values are \`\`, \`der\`, or \`pem\``);
  return trimmed(family === "rsa", encode(publicKey(version), "spki", format));
}

/** One version as text. The caller has checked that the key may be exported, and is of a type that has such a key. Throws RequestError 400. */
export function exportVersion(key: Key, version: KeyVersion, kind: ExportKind, format: ExportFormat): string {
  switch (kind) {
    case "hmac-key":
      return symmetric(version.hmac, format);
    case "public-key":
      return exportPublic(key, version, format);
    case "certificate-chain":
      if (version.certificate_chain.length === 0) throw invalid("selected key version does not have a certificate chain imported");
      return certificatesPem(version.certificate_chain);
    default:
      return exportPrivate(key, version, format);
  }
}
