import { jsonCodec } from "@coffer/state-machine";
import type { Codec, ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { IssuerUrls } from "./extensions.js";
import type { KeyType } from "./key-material.js";

/**
 * What a PKI mount stores below itself:
 *
 *     config/<name>                     issuers, keys, urls, cluster, crl, auto-tidy
 *     issuer/<id>, issuer-name/<name>   an issuer; its name, which leads to its id
 *     key/<id>, key-name/<name>         a private key; its name
 *     role/<name>
 *     cert/<serial>                     a certificate, DER
 *     expiry/<ms>/<serial>              when it ends: tidy reads what has ended, and nothing else
 *     metadata/<serial>                 what was given with it (cert_metadata)
 *     metadata-expiry/<ms>/<serial>     when it ends, as above
 *     revoked/<serial>                  that it was revoked
 *     unlisted/<serial>                 revoked since the complete CRL was built
 *     crl/<issuer>/complete, …/delta    DER; …/info tells of both
 *     tidy                              what the last tidy did, or is at
 *
 * Serial numbers are in hex with hyphens, so that a list's names are serial numbers.
 */
export interface Issuer {
  readonly id: string;
  /** Empty: none. */
  readonly name: string;
  /** Empty: none, and it cannot sign. */
  readonly key_id: string;
  /** DER in base64. */
  readonly certificate: string;
  readonly serial_number: string;
  /** Ids, its own first; rebuilt when issuers come and go. */
  readonly chain: readonly string[];
  readonly manual_chain: readonly string[] | null;
  readonly leaf_not_after_behavior: NotAfterBehavior;
  readonly usage: readonly string[];
  /** A name of `SIGNATURE_WISHES`; empty: as the key asks for. */
  readonly revocation_signature_algorithm: string;
  /** Milliseconds since 1970; 0: not revoked. */
  readonly revokedMs: number;
  /** Null: those of config/urls. */
  readonly urls: Urls | null;
}

/** `always_enforce_err`: as `err`, also for the CAs that the issuer signs. */
export type NotAfterBehavior = "err" | "truncate" | "permit" | "always_enforce_err";

export interface Urls extends IssuerUrls {
  readonly enable_templating: boolean;
}

export interface StoredKey {
  readonly id: string;
  readonly name: string;
  readonly type: KeyType;
  readonly bits: number;
  /** DER in base64, as `KeyMaterial` has it. */
  readonly der: string;
  readonly spki: string;
}

export interface IssuersConfig {
  /** An id; empty: none. */
  readonly default: string;
  readonly default_follows_latest_issuer: boolean;
  /** Grows with every issuer that comes or goes: whoever depends on the list of issuers reads it. */
  readonly revision: number;
}

export interface KeysConfig {
  readonly default: string;
  readonly revision: number;
}

export interface ClusterConfig {
  readonly path: string;
  readonly aia_path: string;
}

export interface Revocation {
  readonly serial: string;
  /** The issuer by whose CRL it is revoked; empty where that is gone. */
  readonly issuer_id: string;
  /** Milliseconds since 1970. */
  readonly revokedMs: number;
  readonly expiresMs: number;
}

const bytesCodec: Codec<Buffer> = { encode: (bytes) => bytes, decode: (bytes) => Buffer.from(bytes) };
const issuersConfigCodec = jsonCodec<IssuersConfig>();
const keysConfigCodec = jsonCodec<KeysConfig>();
const urlsCodec = jsonCodec<Urls>();
const clusterCodec = jsonCodec<ClusterConfig>();
const issuerCodec = jsonCodec<Issuer>();
const keyCodec = jsonCodec<StoredKey>();
const idCodec = jsonCodec<string>();
const revocationCodec = jsonCodec<Revocation>();
const emptyCodec = jsonCodec<Record<string, never>>();

const NO_ISSUERS: IssuersConfig = Object.freeze({ default: "", default_follows_latest_issuer: false, revision: 0 });
const NO_KEYS: KeysConfig = Object.freeze({ default: "", revision: 0 });
export const NO_URLS: Urls = Object.freeze({ issuing_certificates: [], crl_distribution_points: [], delta_crl_distribution_points: [], ocsp_servers: [], enable_templating: false });
const NO_CLUSTER: ClusterConfig = Object.freeze({ path: "", aia_path: "" });

export const getIssuersConfig = (storage: ReadStorage): IssuersConfig => storage.get("config/issuers", issuersConfigCodec) ?? NO_ISSUERS;
export const putIssuersConfig = (storage: WriteStorage, config: IssuersConfig): void => storage.put("config/issuers", issuersConfigCodec, config);
export const getKeysConfig = (storage: ReadStorage): KeysConfig => storage.get("config/keys", keysConfigCodec) ?? NO_KEYS;
export const putKeysConfig = (storage: WriteStorage, config: KeysConfig): void => storage.put("config/keys", keysConfigCodec, config);
export const getUrls = (storage: ReadStorage): Urls => storage.get("config/urls", urlsCodec) ?? NO_URLS;
export const putUrls = (storage: WriteStorage, urls: Urls): void => storage.put("config/urls", urlsCodec, urls);
export const getCluster = (storage: ReadStorage): ClusterConfig => storage.get("config/cluster", clusterCodec) ?? NO_CLUSTER;
export const putCluster = (storage: WriteStorage, config: ClusterConfig): void => storage.put("config/cluster", clusterCodec, config);

export const getIssuer = (storage: ReadStorage, id: string): Issuer | undefined => storage.get(`issuer/${id}`, issuerCodec);
export const issuerIdOf = (storage: ReadStorage, name: string): string | undefined => storage.get(`issuer-name/${name}`, idCodec);
export const issuerIds = (storage: ReadStorage): Promise<string[]> => storage.list("issuer/");

/** Keeps the name's entry right too. */
export function putIssuer(storage: WriteStorage, issuer: Issuer): void {
  const before = getIssuer(storage, issuer.id);
  if (before && before.name !== "" && before.name !== issuer.name) storage.delete(`issuer-name/${before.name}`);
  if (issuer.name !== "") storage.put(`issuer-name/${issuer.name}`, idCodec, issuer.id);
  storage.put(`issuer/${issuer.id}`, issuerCodec, issuer);
}

export function deleteIssuer(storage: WriteStorage, { id, name }: Issuer): void {
  if (name !== "") storage.delete(`issuer-name/${name}`);
  storage.delete(`issuer/${id}`);
  for (const part of ["complete", "delta", "info"]) storage.delete(`crl/${id}/${part}`);
}

export const getKey = (storage: ReadStorage, id: string): StoredKey | undefined => storage.get(`key/${id}`, keyCodec);
export const keyIdOf = (storage: ReadStorage, name: string): string | undefined => storage.get(`key-name/${name}`, idCodec);
export const keyIds = (storage: ReadStorage): Promise<string[]> => storage.list("key/");

export function putKey(storage: WriteStorage, key: StoredKey): void {
  const before = getKey(storage, key.id);
  if (before && before.name !== "" && before.name !== key.name) storage.delete(`key-name/${before.name}`);
  if (key.name !== "") storage.put(`key-name/${key.name}`, idCodec, key.id);
  storage.put(`key/${key.id}`, keyCodec, key);
}

export function deleteKey(storage: WriteStorage, { id, name }: StoredKey): void {
  if (name !== "") storage.delete(`key-name/${name}`);
  storage.delete(`key/${id}`);
}

/** Of "0a:1b", "0A-1B"; as storage keys have it. */
export const serialKey = (serial: string): string => serial.trim().toLowerCase().replaceAll(":", "-");
export const serialOf = (key: string): string => key.replaceAll("-", ":");
const EXPIRY = "expiry/";
export const expiryKey = (folder: string, serial: string, expiresMs: number): string => `${folder}${String(expiresMs).padStart(15, "0")}/${serialKey(serial)}`;

export const getCertificate = (storage: ReadStorage, serial: string): Buffer | undefined => storage.get(`cert/${serialKey(serial)}`, bytesCodec);

export function putCertificate(storage: WriteStorage, certificate: { readonly serial: string; readonly der: Buffer; readonly notAfter: number }): void {
  storage.put(`cert/${serialKey(certificate.serial)}`, bytesCodec, certificate.der);
  storage.put(expiryKey(EXPIRY, certificate.serial, certificate.notAfter), emptyCodec, {});
}

export function deleteCertificate(storage: WriteStorage, serial: string, expiresMs: number): void {
  storage.delete(`cert/${serialKey(serial)}`);
  storage.delete(expiryKey(EXPIRY, serial, expiresMs));
}

export interface Ended {
  readonly serial: string;
  readonly expiresMs: number;
}

/** What an index by ends has from before `beforeMs`, the earliest first. */
export async function endedBelow(storage: ReadStorage, folder: string, beforeMs: number, limit: number): Promise<Ended[]> {
  const found: Ended[] = [];
  for (const key of await storage.keys(folder, { limit })) {
    const [ms, serial] = key.split("/") as [string, string];
    if (Number(ms) >= beforeMs) break;
    found.push({ serial: serialOf(serial), expiresMs: Number(ms) });
  }
  return found;
}

export const endedCertificates = (storage: ReadStorage, beforeMs: number, limit: number): Promise<Ended[]> => endedBelow(storage, EXPIRY, beforeMs, limit);

export const getRevocation = (storage: ReadStorage, serial: string): Revocation | undefined => storage.get(`revoked/${serialKey(serial)}`, revocationCodec);
export const putRevocation = (storage: WriteStorage, revocation: Revocation): void => storage.put(`revoked/${serialKey(revocation.serial)}`, revocationCodec, revocation);

export function deleteRevocation(storage: WriteStorage, serial: string): void {
  storage.delete(`revoked/${serialKey(serial)}`);
  storage.delete(`unlisted/${serialKey(serial)}`);
}

export const markUnlisted = (storage: WriteStorage, serial: string): void => storage.put(`unlisted/${serialKey(serial)}`, emptyCodec, {});
export const forgetUnlisted = (storage: WriteStorage, serial: string): void => storage.delete(`unlisted/${serialKey(serial)}`);
