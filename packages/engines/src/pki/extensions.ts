import { bitString, explicit, ia5, implicit, integer, isOid, octetString, oid, sequence, tlv, TRUE, utf8String } from "./der.js";
import { EXT_KEY_USAGE, KEY_USAGE_BIT, OID } from "./oids.js";

const NOTHING = Buffer.alloc(0);

export const extension = (id: string, value: Uint8Array, critical = false): Buffer => sequence(oid(id), ...(critical ? [TRUE] : []), octetString(value));

/** Bit numbers by names of Vault's API; unknown ones are ignored, as in Vault. */
export function keyUsageBits(names: readonly string[]): number[] {
  return names.map((name) => name.trim().toLowerCase()).flatMap((name) => (Object.hasOwn(KEY_USAGE_BIT, name) ? [KEY_USAGE_BIT[name]!] : []));
}

/** Nothing for no usages. */
export function keyUsageExtension(bits: readonly number[]): Buffer {
  if (bits.length === 0) return NOTHING;
  const last = Math.max(...bits);
  const bytes = Buffer.alloc((last >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return extension(OID.keyUsage, bitString(bytes, 7 - (last & 7)), true);
}

/** In the order of the table, then those by number; nothing for none. */
export function extKeyUsageExtension(names: ReadonlySet<string>, oids: readonly string[]): Buffer {
  const known = Object.entries(EXT_KEY_USAGE).flatMap(([name, id]) => (names.has(name) ? [id] : []));
  const all = [...new Set([...known, ...oids])];
  return all.length === 0 ? NOTHING : extension(OID.extendedKeyUsage, sequence(...all.map(oid)));
}

/** `maxPathLength` -1: no limit. */
export function basicConstraintsExtension(isCa: boolean, maxPathLength: number): Buffer {
  const parts = isCa ? [TRUE, ...(maxPathLength >= 0 ? [integer(maxPathLength)] : [])] : [];
  return extension(OID.basicConstraints, sequence(...parts), true);
}

const SUBJECT_KEY_ID = oid(OID.subjectKeyIdentifier);
const SUBJECT_ALT_NAME = oid(OID.subjectAltName);
export const subjectKeyIdExtension = (id: Uint8Array): Buffer => sequence(SUBJECT_KEY_ID, octetString(octetString(id)));
export const authorityKeyIdExtension = (id: Uint8Array): Buffer => extension(OID.authorityKeyIdentifier, sequence(implicit(0, id)));
/** Critical where the subject is empty (RFC 5280, 4.2.1.6). */
export const alternativeNamesExtension = (names: Uint8Array, critical: boolean): Buffer => (critical ? sequence(SUBJECT_ALT_NAME, TRUE, octetString(names)) : sequence(SUBJECT_ALT_NAME, octetString(names)));

export interface IssuerUrls {
  readonly issuing_certificates: readonly string[];
  readonly crl_distribution_points: readonly string[];
  readonly delta_crl_distribution_points: readonly string[];
  readonly ocsp_servers: readonly string[];
}

const URI = 6;
const access = (method: string, url: string) => sequence(oid(method), implicit(URI, ia5(url)));
const distributionPoint = (url: string) => sequence(explicit(0, explicit(0, implicit(URI, ia5(url)))));

export type ExtensionPart = readonly [oid: string, der: Uint8Array];

/** Authority information access, CRL distribution points, freshest CRL: those that have URLs. */
export function urlExtensions({ issuing_certificates, ocsp_servers, crl_distribution_points, delta_crl_distribution_points }: IssuerUrls): ExtensionPart[] {
  const parts: ExtensionPart[] = [];
  const information = [...ocsp_servers.map((url) => access(OID.ocsp, url)), ...issuing_certificates.map((url) => access(OID.caIssuers, url))];
  if (information.length > 0) parts.push([OID.authorityInfoAccess, extension(OID.authorityInfoAccess, sequence(...information))]);
  if (crl_distribution_points.length > 0) parts.push([OID.crlDistributionPoints, extension(OID.crlDistributionPoints, sequence(...crl_distribution_points.map(distributionPoint)))]);
  if (delta_crl_distribution_points.length > 0) parts.push([OID.freshestCrl, extension(OID.freshestCrl, sequence(...delta_crl_distribution_points.map(distributionPoint)))]);
  return parts;
}

interface Policy {
  readonly oid: string;
  readonly cps?: string;
  readonly notice?: string;
}

/** A policy of a role: an object identifier, or JSON `{oid, cps, notice}`. Undefined for anything else. */
export function parsePolicy(text: string): Policy | undefined {
  if (isOid(text)) return { oid: text };
  try {
    const { oid: id, cps, notice } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const trimmed = typeof id === "string" ? id.trim() : "";
    if (!isOid(trimmed)) return undefined;
    return { oid: trimmed, ...(typeof cps === "string" && cps !== "" && { cps }), ...(typeof notice === "string" && notice !== "" && { notice }) };
  } catch {
    return undefined;
  }
}

/** Of policies that `parsePolicy` knows; nothing for none. */
export function policiesExtension(policies: readonly string[]): Buffer {
  const parsed = policies.flatMap((text) => parsePolicy(text) ?? []);
  if (parsed.length === 0) return NOTHING;
  return extension(
    OID.certificatePolicies,
    sequence(
      ...parsed.map(({ oid: id, cps, notice }) => {
        const qualifiers = [
          ...(notice === undefined ? [] : [sequence(oid(OID.policyNotice), sequence(utf8String(notice)))]),
          ...(cps === undefined ? [] : [sequence(oid(OID.policyCps), tlv(0x16, ia5(cps)))]),
        ];
        return sequence(oid(id), ...(qualifiers.length > 0 ? [sequence(...qualifiers)] : []));
      }),
    ),
  );
}

const DNS = 2;

/** Permitted DNS domains of a CA (RFC 5280, 4.2.1.10); nothing for none. */
export function nameConstraintsExtension(permittedDnsDomains: readonly string[]): Buffer {
  if (permittedDnsDomains.length === 0) return NOTHING;
  return extension(OID.nameConstraints, sequence(explicit(0, ...permittedDnsDomains.map((domain) => sequence(implicit(DNS, ia5(domain)))))), true);
}
