import { invalid } from "@coffer/state-machine";
import type { Environment, WriteStorage } from "@coffer/state-machine";
import { issuerParts, USAGES, DEFAULT_REF } from "./authority.js";
import { hasUsage, isSignedBy } from "./certificate.js";
import type { Certificate } from "./certificate.js";
import { allIssuers } from "./crl-rebuild.js";
import { isRoot } from "./issuer-answer.js";
import type { KeyMaterial } from "./key-material.js";
import { KEY_USAGE_BIT } from "./oids.js";
import { getIssuer, getIssuersConfig, getKey, getKeysConfig, issuerIdOf, keyIdOf, keyIds, putIssuer, putIssuersConfig, putKey, putKeysConfig } from "./storage.js";
import type { Issuer, StoredKey } from "./storage.js";

const NAME = /^\w(([\w-.]+)?\w)?$/;

/** Throws RequestError 400 for a name that cannot be, or that another has. Empty is no name. */
export function checkIssuerName(storage: WriteStorage, name: string, ownId = ""): string {
  return checkName(name, "issuer", issuerIdOf(storage, name), ownId);
}

/** As `checkIssuerName`. */
export function checkKeyName(storage: WriteStorage, name: string, ownId = ""): string {
  return checkName(name, "key", keyIdOf(storage, name), ownId);
}

function checkName(name: string, what: string, holder: string | undefined, ownId: string): string {
  if (name === "") return name;
  if (name.toLowerCase() === DEFAULT_REF) throw invalid(`reserved keyword 'default' can not be used as ${what} name`);
  if (!NAME.test(name)) throw invalid(`${what} name contained invalid characters`);
  if (holder !== undefined && holder !== ownId) throw invalid(`${what} name already in use`);
  return name;
}

export interface Added<T> {
  readonly entry: T;
  readonly isNew: boolean;
}

/** Keeps a key, unless it is there. The first one becomes the default. */
export async function addKey(storage: WriteStorage, env: Environment, key: KeyMaterial, name: string): Promise<Added<StoredKey>> {
  const spki = key.spki.toString("base64");
  const config = getKeysConfig(storage);
  for (const id of await keyIds(storage)) {
    const existing = getKey(storage, id);
    if (existing?.spki === spki) return { entry: existing, isNew: false };
  }
  const entry: StoredKey = { id: env.uuid(), name, type: key.type, bits: key.bits, der: key.der.toString("base64"), spki };
  putKey(storage, entry);
  putKeysConfig(storage, { default: config.default === "" ? entry.id : config.default, revision: config.revision + 1 });
  return { entry, isNew: true };
}

/** Keeps a CA certificate, unless it is there, with the key that fits. The first one becomes the default. Throws RequestError 400. */
export async function addIssuer(storage: WriteStorage, env: Environment, certificate: Certificate, name: string, more: Partial<Issuer> = {}): Promise<Added<Issuer>> {
  if (!certificate.isCa) throw invalid("unable to import issuer: the certificate is not marked for CA use (basic constraints)");
  if (!hasUsage(certificate, KEY_USAGE_BIT["certsign"]!)) throw invalid("unable to import issuer: the certificate lacks the CertSign key usage");
  const text = certificate.der.toString("base64");
  const existing = (await allIssuers(storage)).find((one) => one.certificate === text);
  if (existing) return { entry: existing, isNew: false };
  const id = env.uuid();
  const key = await keyFor(storage, certificate);
  const canSignCrls = hasUsage(certificate, KEY_USAGE_BIT["crlsign"]!);
  const entry: Issuer = {
    id,
    name,
    key_id: key?.id ?? "",
    certificate: text,
    serial_number: certificate.serial,
    chain: [id],
    manual_chain: null,
    leaf_not_after_behavior: "err",
    usage: USAGES.filter((usage) => usage !== "crl-signing" || canSignCrls),
    revocation_signature_algorithm: "",
    revokedMs: 0,
    urls: null,
    ...more,
  };
  putIssuer(storage, entry);
  const config = getIssuersConfig(storage);
  putIssuersConfig(storage, { ...config, default: config.default === "" ? id : config.default, revision: config.revision + 1 });
  await rebuildChains(storage);
  return { entry: getIssuer(storage, id)!, isNew: true };
}

async function keyFor(storage: WriteStorage, certificate: Certificate): Promise<StoredKey | undefined> {
  const spki = certificate.spki.toString("base64");
  for (const id of await keyIds(storage)) {
    const key = getKey(storage, id);
    if (key?.spki === spki) return key;
  }
  return undefined;
}

/** Gives issuers that have no key the one that came. */
export async function linkKeys(storage: WriteStorage): Promise<void> {
  for (const issuer of await allIssuers(storage)) {
    if (issuer.key_id !== "") continue;
    const key = await keyFor(storage, issuerParts(issuer).certificate);
    if (key) putIssuer(storage, { ...issuer, key_id: key.id });
  }
}

/** After issuers came or went: each one's way up to its roots. */
export async function rebuildChains(storage: WriteStorage): Promise<void> {
  const issuers = await allIssuers(storage);
  for (const issuer of issuers) {
    const chain = chainOf(issuer, issuers);
    if (chain.join() !== issuer.chain.join()) putIssuer(storage, { ...issuer, chain });
  }
}

/**
 * The issuer itself, then who signed it, up to a root; then, for each that has twins (one name and one key, cross-signed), the
 * twins and their ways. A manual chain is taken as it is.
 */
function chainOf(issuer: Issuer, issuers: readonly Issuer[]): readonly string[] {
  if (issuer.manual_chain) return issuer.manual_chain;
  const chain: Issuer[] = [];
  const visit = (one: Issuer) => {
    if (chain.includes(one)) return;
    chain.push(one);
    if (isRoot(issuerParts(one).certificate)) return;
    for (const parent of issuers) if (isSignedBy(issuerParts(one).certificate, issuerParts(parent).certificate)) visit(parent);
  };
  visit(issuer);
  for (let i = 0; i < chain.length; i++) for (const twin of issuers) if (isTwin(chain[i]!, twin)) visit(twin);
  return chain.map(({ id }) => id);
}

function isTwin(one: Issuer, other: Issuer): boolean {
  const [a, b] = [issuerParts(one).certificate, issuerParts(other).certificate];
  return one !== other && a.spki.equals(b.spki) && a.subject.der.equals(b.subject.der);
}
