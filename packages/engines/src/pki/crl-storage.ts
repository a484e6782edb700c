import { jsonCodec } from "@coffer/state-machine";
import type { Codec, ReadStorage, WriteStorage } from "@coffer/state-machine";

/** As `config/crl` shows it: durations as they were written. */
export interface CrlConfig {
  readonly expiry: string;
  readonly disable: boolean;
  readonly ocsp_disable: boolean;
  readonly ocsp_expiry: string;
  readonly auto_rebuild: boolean;
  readonly auto_rebuild_grace_period: string;
  readonly enable_delta: boolean;
  readonly delta_rebuild_interval: string;
  readonly allow_expired_cert_revocation: boolean;
}

/** What is known of an issuer's CRLs without reading them. Milliseconds since 1970; numbers as the CRLs carry them. */
export interface CrlInfo {
  readonly number: number;
  readonly nextUpdateMs: number;
  /** The last number given to either CRL. */
  readonly lastNumber: number;
  readonly deltaBuiltMs: number;
}

export type CrlKind = "complete" | "delta";

const configCodec = jsonCodec<CrlConfig>();
const infoCodec = jsonCodec<CrlInfo>();
const bytesCodec: Codec<Buffer> = { encode: (bytes) => bytes, decode: (bytes) => Buffer.from(bytes) };

const DEFAULTS: CrlConfig = Object.freeze({
  expiry: "72h",
  disable: false,
  ocsp_disable: false,
  ocsp_expiry: "12h",
  auto_rebuild: false,
  auto_rebuild_grace_period: "12h",
  enable_delta: false,
  delta_rebuild_interval: "15m",
  allow_expired_cert_revocation: false,
});

export const getCrlConfig = (storage: ReadStorage): CrlConfig => storage.get("config/crl", configCodec) ?? DEFAULTS;
export const putCrlConfig = (storage: WriteStorage, config: CrlConfig): void => storage.put("config/crl", configCodec, config);
export const getCrlInfo = (storage: ReadStorage, issuerId: string): CrlInfo | undefined => storage.get(`crl/${issuerId}/info`, infoCodec);
export const putCrlInfo = (storage: WriteStorage, issuerId: string, info: CrlInfo): void => storage.put(`crl/${issuerId}/info`, infoCodec, info);
export const getCrl = (storage: ReadStorage, issuerId: string, kind: CrlKind): Buffer | undefined => storage.get(`crl/${issuerId}/${kind}`, bytesCodec);
export const putCrl = (storage: WriteStorage, issuerId: string, kind: CrlKind, der: Buffer): void => storage.put(`crl/${issuerId}/${kind}`, bytesCodec, der);
export const deleteCrl = (storage: WriteStorage, issuerId: string, kind: CrlKind): void => storage.delete(`crl/${issuerId}/${kind}`);
