import { jsonCodec } from "@coffer/state-machine";
import type { ListOptions, ReadStorage, WriteStorage } from "@coffer/state-machine";

/** A CA's key pair. */
export interface Issuer {
  readonly id: string;
  /** Empty: none. */
  readonly name: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

interface IssuersConfig {
  /** An id; empty: none. */
  readonly default: string;
  /** Grows with every issuer that comes or goes: whoever depends on their list reads it. */
  readonly revision: number;
}

const issuerCodec = jsonCodec<Issuer>();
const configCodec = jsonCodec<IssuersConfig>();
const idCodec = jsonCodec<string>();
const CONFIG = "config/issuers";
const ISSUERS = "issuer/";
const NO_ISSUERS: IssuersConfig = Object.freeze({ default: "", revision: 0 });
const nameKey = (name: string) => `issuer-name/${name}`;

export const DEFAULT_REF = "default";
const getConfig = (storage: ReadStorage): IssuersConfig => storage.get(CONFIG, configCodec) ?? NO_ISSUERS;
export const defaultIssuerId = (storage: ReadStorage): string => getConfig(storage).default;
export const setDefaultIssuer = (storage: WriteStorage, id: string): void => storage.put(CONFIG, configCodec, { ...getConfig(storage), default: id });
export const issuerIds = (storage: ReadStorage, options: ListOptions = {}): Promise<string[]> => storage.list(ISSUERS, options);
export const getIssuer = (storage: ReadStorage, id: string): Issuer | undefined => (id === "" ? undefined : storage.get(ISSUERS + id, issuerCodec));

/** By id, name or "default". */
export function findIssuer(storage: ReadStorage, ref: string): Issuer | undefined {
  if (ref === DEFAULT_REF) return getIssuer(storage, defaultIssuerId(storage));
  return getIssuer(storage, ref) ?? getIssuer(storage, storage.get(nameKey(ref), idCodec) ?? "");
}

/** The first one becomes the default. */
export function addIssuer(storage: WriteStorage, issuer: Issuer, isDefault: boolean): void {
  const config = getConfig(storage);
  storage.put(CONFIG, configCodec, { default: isDefault || config.default === "" ? issuer.id : config.default, revision: config.revision + 1 });
  putIssuer(storage, issuer);
}

export function putIssuer(storage: WriteStorage, issuer: Issuer): void {
  const before = getIssuer(storage, issuer.id);
  if (before && before.name !== "" && before.name !== issuer.name) storage.delete(nameKey(before.name));
  if (issuer.name !== "") storage.put(nameKey(issuer.name), idCodec, issuer.id);
  storage.put(ISSUERS + issuer.id, issuerCodec, issuer);
}

/** True: it was the default, and there is none now. */
export function removeIssuer(storage: WriteStorage, { id, name }: Issuer): boolean {
  const config = getConfig(storage);
  const wasDefault = config.default === id;
  storage.put(CONFIG, configCodec, { default: wasDefault ? "" : config.default, revision: config.revision + 1 });
  if (name !== "") storage.delete(nameKey(name));
  storage.delete(ISSUERS + id);
  return wasDefault;
}

/** All of them; reading the guard makes a change of their list a conflict. */
export async function allIssuers(storage: ReadStorage): Promise<Issuer[]> {
  getConfig(storage);
  return (await issuerIds(storage)).flatMap((id) => getIssuer(storage, id) ?? []);
}
