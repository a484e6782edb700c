import { jsonCodec } from "@coffer/state-machine";
import type { ListOptions, ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { CertRole } from "./role.js";

/** What is stored, below the mount: `config`, `cert/<name>` and `crl/<name>`; names are lower-cased. */
export interface RevocationList {
  readonly issuer: string;
  /** Decimal. */
  readonly serials: Readonly<Record<string, Record<string, never>>>;
  /** Where the list is fetched. */
  readonly source?: ListSource;
}

export interface ListSource {
  readonly url: string;
  /** Milliseconds since 1970; the list's own end. */
  readonly validUntilMs: number;
  /** Milliseconds; of the next fetch. */
  readonly dueMs: number;
}

export interface CertConfig {
  readonly disable_binding: boolean;
  readonly enable_identity_alias_metadata: boolean;
  readonly ocsp_cache_size: number;
}

const roleCodec = jsonCodec<CertRole>();
const listCodec = jsonCodec<RevocationList>();
const configCodec = jsonCodec<CertConfig>();
const DEFAULTS: CertConfig = Object.freeze({ disable_binding: false, enable_identity_alias_metadata: false, ocsp_cache_size: 100 });

const key = (kind: "cert" | "crl", name: string) => `${kind}/${name.toLowerCase()}`;
export const getRole = (storage: ReadStorage, name: string) => storage.get(key("cert", name), roleCodec);
export const putRole = (storage: WriteStorage, role: CertRole) => storage.put(key("cert", role.name), roleCodec, role);
export const getList = (storage: ReadStorage, name: string) => storage.get(key("crl", name), listCodec);
export const putList = (storage: WriteStorage, name: string, list: RevocationList) => storage.put(key("crl", name), listCodec, list);
export const remove = (storage: WriteStorage, kind: "cert" | "crl", name: string) => storage.delete(key(kind, name));
export const listNames = (storage: ReadStorage, kind: "cert" | "crl", page: ListOptions = {}) => storage.list(`${kind}/`, page);
export const getConfig = (storage: ReadStorage): CertConfig => storage.get("config", configCodec) ?? DEFAULTS;
export const putConfig = (storage: WriteStorage, config: CertConfig) => storage.put("config", configCodec, config);
