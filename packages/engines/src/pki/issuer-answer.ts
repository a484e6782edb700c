import type { ReadStorage } from "@coffer/state-machine";
import { issuerParts } from "./authority.js";
import { isSelfSigned } from "./certificate.js";
import type { Certificate } from "./certificate.js";
import { privateKeyPem, toPkcs8 } from "./key-material.js";
import type { KeyMaterial } from "./key-material.js";
import { pem } from "./pem.js";
import { getIssuer } from "./storage.js";
import type { Issuer } from "./storage.js";

export const FORMATS = Object.freeze(["pem", "der", "pem_bundle"]);
export const PRIVATE_KEY_FORMATS = Object.freeze(["", "der", "pem", "pkcs8"]);

export interface AnswerFormat {
  readonly format: string;
  readonly private_key_format: string;
}

export interface ChainLink {
  readonly certificate: Certificate;
  readonly pem: string;
}

/** An issuer's chain, its own certificate first. */
export function chainOf(storage: ReadStorage, issuer: Issuer): ChainLink[] {
  const chain: ChainLink[] = [];
  for (const id of issuer.chain) {
    const found = id === issuer.id ? issuer : getIssuer(storage, id);
    if (found) chain.push(issuerParts(found));
  }
  return chain;
}

const selfSigned = new WeakMap<Certificate, boolean>();

/** Remembered: it takes a signature's verification to know. */
export function isRoot(certificate: Certificate): boolean {
  let known = selfSigned.get(certificate);
  if (known === undefined) selfSigned.set(certificate, (known = isSelfSigned(certificate)));
  return known;
}

const base64 = (der: Buffer) => der.toString("base64");

/** `certificate`, `issuing_ca`, `ca_chain` and the key, in the form that was asked for. `chain` is the issuer's. */
export function certificateAnswer(der: Buffer, issuing: ChainLink, chain: readonly ChainLink[], key: KeyMaterial | undefined, { format, private_key_format }: AnswerFormat): Record<string, unknown> {
  const isDer = format === "der";
  const keyData = key && { private_key: keyText(key, isDer, private_key_format === "pkcs8"), private_key_type: key.type };
  if (isDer) {
    return {
      certificate: base64(der),
      issuing_ca: base64(issuing.certificate.der),
      ...(chain.length > 0 && { ca_chain: chain.map(({ certificate }) => base64(certificate.der)) }),
      ...keyData,
    };
  }
  const text = pem("CERTIFICATE", der);
  const links = chain.map((link) => link.pem);
  const certificate = format === "pem_bundle" ? [...(key ? [keyText(key, false, false)] : []), text, ...links].join("\n") : text;
  return { certificate, issuing_ca: issuing.pem, ...(links.length > 0 && { ca_chain: links }), ...keyData };
}

/** A private key, PEM or base64 of DER. */
export function keyText(key: KeyMaterial, isDer: boolean, isPkcs8: boolean): string {
  if (isPkcs8) return isDer ? base64(toPkcs8(key)) : pem("PRIVATE KEY", toPkcs8(key));
  return isDer ? base64(key.der) : privateKeyPem(key);
}
