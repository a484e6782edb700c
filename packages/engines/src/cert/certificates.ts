import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { fromBER } from "asn1js";

/** A certificate as OpenSSL reads it, which checks signatures, and as a library reads it that shows what is in it. */
export interface Certificate {
  readonly node: X509Certificate;
  readonly parsed: x509.X509Certificate;
}

/** Undefined for what is none. */
export function parseCertificate(source: string | Uint8Array): Certificate | undefined {
  try {
    const node = new X509Certificate(source);
    return { node, parsed: new x509.X509Certificate(new Uint8Array(node.raw)) };
  } catch {
    return undefined;
  }
}

const BLOCK = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** All certificates of a PEM text, in order; what is none is passed over. */
export function parseBundle(pem: string): Certificate[] {
  return (pem.match(BLOCK) ?? []).map((block) => parseCertificate(block)).filter((one) => one !== undefined);
}

export interface Names {
  readonly commonName: string;
  readonly units: readonly string[];
  readonly organizations: readonly string[];
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

export function namesOf({ parsed }: Certificate): Names {
  const items = parsed.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const of = (type: string) => items.filter((item) => item.type === type).map(({ value }) => value);
  return { commonName: parsed.subjectName.getField("CN").at(-1) ?? "", units: parsed.subjectName.getField("OU"), organizations: parsed.subjectName.getField("O"), dns: of("dns"), emails: of("email"), uris: of("url") };
}

/** What an extension holds, where that is some kind of ASN.1 string; empty for anything else, undefined where it is not there. */
export function extensionText({ parsed }: Certificate, oid: string): string | undefined {
  const extension = parsed.getExtension(oid);
  if (!extension) return undefined;
  const { result, offset } = fromBER(extension.value);
  const value: unknown = offset === -1 ? "" : (result as { getValue?: () => unknown }).getValue?.();
  return typeof value === "string" ? value : "";
}

export function extensionHex({ parsed }: Certificate, oid: string): string | undefined {
  const extension = parsed.getExtension(oid);
  return extension ? Buffer.from(extension.value).toString("hex") : undefined;
}

const colons = (hex: string | undefined) => (hex ?? "").replace(/(..)(?!$)/g, "$1:").toLowerCase();

export function keyIds({ parsed }: Certificate): { readonly subject: string; readonly authority: string } {
  return { subject: colons(parsed.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId), authority: colons(parsed.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId) };
}

/** As a decimal number, which is how Go and thus Vault shows it. */
export function serialText({ node }: Certificate): string {
  return BigInt(`0x${node.serialNumber}`).toString();
}

export const issuerText = ({ parsed }: Certificate) => parsed.issuerName.toString();
