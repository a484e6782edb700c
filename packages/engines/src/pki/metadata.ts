import { invalid, jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";
import { isBase64 } from "./pem.js";
import { endedBelow, expiryKey, serialKey, serialOf } from "./storage.js";
import type { Ended } from "./storage.js";

/** What the caller wanted to be known of a certificate, beside it: kept for those that are not stored too. */
export interface CertificateMetadata {
  readonly serial_number: string;
  readonly issuer_id: string;
  readonly role: string;
  /** Base64, as it was given. */
  readonly cert_metadata: string;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

const FOLDER = "metadata/";
const EXPIRY = "metadata-expiry/";
const codec = jsonCodec<CertificateMetadata>();
const emptyCodec = jsonCodec<Record<string, never>>();

export const getMetadata = (storage: ReadStorage, serial: string): CertificateMetadata | undefined => storage.get(FOLDER + serialKey(serial), codec);

export function putMetadata(storage: WriteStorage, metadata: CertificateMetadata): void {
  storage.put(FOLDER + serialKey(metadata.serial_number), codec, metadata);
  storage.put(expiryKey(EXPIRY, metadata.serial_number, metadata.expiresMs), emptyCodec, {});
}

export function deleteMetadata(storage: WriteStorage, { serial, expiresMs }: Ended): void {
  storage.delete(FOLDER + serialKey(serial));
  storage.delete(expiryKey(EXPIRY, serial, expiresMs));
}

export const metadataSerials = async (storage: ReadStorage, { after, limit }: { readonly after: string; readonly limit: number }): Promise<string[]> => (await storage.list(FOLDER, { after: serialKey(after), limit })).map(serialOf);

/** Of certificates that ended before `beforeMs`, the earliest first. */
export const endedMetadata = (storage: ReadStorage, beforeMs: number, limit: number): Promise<Ended[]> => endedBelow(storage, EXPIRY, beforeMs, limit);

/** Throws RequestError 400 for what a role does not take, or what is no base64. */
export function checkMetadata(text: string, noStoreMetadata: boolean): void {
  if (text === "") return;
  if (noStoreMetadata) throw invalid("cert_metadata was specified, but the role has no_store_metadata set to true");
  if (!isBase64(text)) throw invalid("cert_metadata is not base64");
}
