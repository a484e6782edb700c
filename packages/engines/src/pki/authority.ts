import type { KeyObject } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { parseCertificate } from "./certificate.js";
import type { Certificate } from "./certificate.js";
import { authorityKeyIdExtension } from "./extensions.js";
import { privateKeyObject } from "./key-material.js";
import type { KeyMaterial } from "./key-material.js";
import { pem } from "./pem.js";
import { createSigner, keyIdentifier, SIGNATURE_WISHES } from "./signer.js";
import type { Signer, SignatureWish } from "./signer.js";
import { getIssuer, getIssuersConfig, getKey, getKeysConfig, issuerIdOf, keyIdOf } from "./storage.js";
import type { Issuer, StoredKey } from "./storage.js";

export const DEFAULT_REF = "default";

/** What follows from an issuer's certificate, made once for each version of it that is in the store's cache. */
export interface IssuerParts {
  readonly certificate: Certificate;
  readonly pem: string;
  readonly keyId: Buffer;
  readonly authorityKeyId: Buffer;
}

/** An issuer that can sign. */
export interface Authority extends IssuerParts {
  readonly issuer: Issuer;
  readonly key: StoredKey;
}

const partsOf = new WeakMap<Issuer, IssuerParts>();
const keyObjects = new WeakMap<StoredKey, KeyObject>();
const signers = new WeakMap<StoredKey, Map<string, Signer>>();

export function issuerParts(issuer: Issuer): IssuerParts {
  const known = partsOf.get(issuer);
  if (known) return known;
  const certificate = parseCertificate(Buffer.from(issuer.certificate, "base64"));
  const keyId = certificate.subjectKeyId ?? keyIdentifier(certificate.publicKeyBits);
  const made = { certificate, pem: pem("CERTIFICATE", certificate.der), keyId, authorityKeyId: authorityKeyIdExtension(keyId) };
  partsOf.set(issuer, made);
  return made;
}

export const keyMaterialOf = ({ type, bits, der, spki }: StoredKey): KeyMaterial => ({ type, bits, der: Buffer.from(der, "base64"), spki: Buffer.from(spki, "base64") });

export function signerOf(key: StoredKey, wish: SignatureWish): Signer {
  let known = signers.get(key);
  if (!known) signers.set(key, (known = new Map()));
  const name = `${wish.bits}/${wish.pss}`;
  let signer = known.get(name);
  if (!signer) {
    let object = keyObjects.get(key);
    if (!object) keyObjects.set(key, (object = privateKeyObject(keyMaterialOf(key))));
    known.set(name, (signer = createSigner(object, wish)));
  }
  return signer;
}

/** Signs CRLs and OCSP answers. */
export function revocationSigner({ issuer, key }: Authority): Signer {
  return signerOf(key, SIGNATURE_WISHES[issuer.revocation_signature_algorithm] ?? { bits: 0, pss: false });
}

/** By id, name or "default"; undefined for none. */
export function findIssuer(storage: ReadStorage, ref: string): Issuer | undefined {
  if (ref === DEFAULT_REF) {
    const { default: id } = getIssuersConfig(storage);
    return id === "" ? undefined : getIssuer(storage, id);
  }
  const direct = getIssuer(storage, ref);
  if (direct) return direct;
  const id = issuerIdOf(storage, ref);
  return id === undefined ? undefined : getIssuer(storage, id);
}

export function findKey(storage: ReadStorage, ref: string): StoredKey | undefined {
  if (ref === DEFAULT_REF) {
    const { default: id } = getKeysConfig(storage);
    return id === "" ? undefined : getKey(storage, id);
  }
  const direct = getKey(storage, ref);
  if (direct) return direct;
  const id = keyIdOf(storage, ref);
  return id === undefined ? undefined : getKey(storage, id);
}

export type Usage = "issuing-certificates" | "crl-signing" | "ocsp-signing" | "read-only";
export const USAGES: readonly Usage[] = Object.freeze(["read-only", "issuing-certificates", "crl-signing", "ocsp-signing"]);

/** Undefined where the issuer has no key, or may not be used so. */
export function authorityOf(storage: ReadStorage, issuer: Issuer, usage: Usage): Authority | undefined {
  if (!issuer.usage.includes(usage)) return undefined;
  const key = issuer.key_id === "" ? undefined : getKey(storage, issuer.key_id);
  if (!key) return undefined;
  let known = authorities.get(issuer);
  if (known?.key !== key) authorities.set(issuer, (known = { ...issuerParts(issuer), issuer, key }));
  return known;
}

const authorities = new WeakMap<Issuer, Authority>();

/** Who signs certificates. Throws RequestError 400, saying why it cannot. */
export function requireAuthority(storage: ReadStorage, ref: string): Authority {
  const issuer = findIssuer(storage, ref);
  if (!issuer) throw invalid(`could not fetch the CA certificate (was one set?): ${ref === DEFAULT_REF ? "no default issuer currently configured" : `unable to find PKI issuer for reference: ${ref}`}`);
  if (issuer.revokedMs > 0) throw invalid("could not fetch the CA certificate (was one set?): the issuer was revoked");
  if (!issuer.usage.includes("issuing-certificates")) throw invalid(`error fetching CA certificate: unable to use issuer ${issuer.id} for issuing-certificates: its usages are ${issuer.usage.join(",")}`);
  const found = authorityOf(storage, issuer, "issuing-certificates");
  if (!found) throw invalid(`unable to fetch corresponding key for issuer ${issuer.id}; unable to use this issuer for signing`);
  return found;
}
