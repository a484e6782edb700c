import { invalid } from "@coffer/state-machine";
import type { CertificateRequest } from "./csr.js";
import { inCidr, ipBytes, ipText } from "./general-names.js";
import type { AlternativeNames, OtherName } from "./general-names.js";
import { globMatches, isCommonNameAllowed, isHostname, isNameAllowed, parseOtherSan, toAscii } from "./names-allowed.js";
import { firstOf } from "./name-text.js";
import { OID } from "./oids.js";
import type { Role } from "./role.js";

/** What a caller asks for; each may be absent. */
export interface NameWishes {
  readonly common_name?: string | undefined;
  readonly alt_names?: string | undefined;
  readonly ip_sans?: readonly string[] | undefined;
  readonly uri_sans?: readonly string[] | undefined;
  readonly other_sans?: readonly string[] | undefined;
  readonly serial_number?: string | undefined;
  readonly user_ids?: readonly string[] | undefined;
  readonly exclude_cn_from_sans?: boolean | undefined;
}

/** What a certificate will say, once its role has agreed. */
export interface AgreedNames {
  readonly commonName: string;
  readonly serialNumber: string;
  readonly userIds: readonly string[];
  readonly names: AlternativeNames;
}

const IDNA_ERROR = (name: string) => invalid(`idna: invalid label ${JSON.stringify(name)}`);

/** Names as Vault sorts them: what has an `@` is an address, what is a host name is one, the rest is dropped. */
function sortNames(names: readonly string[], into: { readonly dns: string[]; readonly emails: string[] }): void {
  for (const name of names) {
    if (name.includes("@")) into.emails.push(name);
    else {
      const converted = toAscii(name);
      if (converted === undefined) throw IDNA_ERROR(name);
      if (isHostname(converted)) into.dns.push(converted);
    }
  }
}

const splitNames = (text: string) => (text.trim() === "" ? [] : text.trim().split(",").map((name) => name.trim()).filter((name) => name !== ""));
const unique = (values: readonly string[]) => [...new Set(values)];

/** Throws RequestError 400 for the first thing that the role does not allow. */
export function agree(role: Role, wishes: NameWishes, csr: CertificateRequest | undefined): AgreedNames {
  const useCsrSans = csr !== undefined && role.use_csr_sans;
  const commonName = (csr && role.use_csr_common_name ? firstOf(csr.attributes, OID.commonName) : "") || (wishes.common_name ?? "");
  if (commonName === "" && role.require_cn) {
    throw invalid('the common_name field is required, or must be provided in a CSR with "use_csr_common_name" set to true, unless "require_cn" is set to false');
  }
  const found = { dns: useCsrSans ? [...csr.names.dns] : [], emails: useCsrSans ? [...csr.names.emails] : [] };
  if (commonName !== "" && !wishes.exclude_cn_from_sans) sortNames([commonName], found);
  if (!useCsrSans) sortNames(splitNames(wishes.alt_names ?? ""), found);
  if (commonName !== "" && !isCommonNameAllowed(role, commonName)) throw invalid(`common name ${commonName} not allowed by this role`);
  const serialNumber = agreeSerialNumber(role, wishes, csr);
  const badName = found.dns.find((name) => !isNameAllowed(role, name));
  if (badName !== undefined) throw invalid(`subject alternate name ${badName} not allowed by this role`);
  const badEmail = found.emails.find((email) => !isNameAllowed(role, email) || !ASCII.test(email));
  if (badEmail !== undefined) throw invalid(`email address ${badEmail} not allowed by this role`);
  return {
    commonName,
    serialNumber,
    names: { dns: unique(found.dns), emails: unique(found.emails), others: agreeOthers(role, wishes, useCsrSans ? csr : undefined), ips: agreeIps(role, wishes, useCsrSans ? csr : undefined), uris: agreeUris(role, wishes, useCsrSans ? csr : undefined) },
    userIds: agreeUserIds(role, wishes, csr),
  };
}

const ASCII = /^[\x21-\x7e]+$/;

function agreeSerialNumber(role: Role, wishes: NameWishes, csr: CertificateRequest | undefined): string {
  const fromCsr = csr && role.serial_number_source === "json-csr" ? firstOf(csr.attributes, OID.serialNumber) : "";
  const wanted = wishes.serial_number || fromCsr;
  if (wanted !== "" && !role.allowed_serial_numbers.some((pattern) => pattern !== "" && globMatches(pattern, wanted))) throw invalid(`serial_number ${wanted} not allowed by this role`);
  return wanted;
}

function agreeOthers(role: Role, wishes: NameWishes, csr: CertificateRequest | undefined): OtherName[] {
  const what = "could not parse requested other SAN";
  const wanted = [...(wishes.other_sans ?? []).map((text) => parseOtherSan(text, what)), ...(csr?.names.others ?? [])];
  if (wanted.length === 0 || role.allowed_other_sans.join() === "*") return wanted;
  const allowed = role.allowed_other_sans.map((text) => parseOtherSan(text, "error parsing role's allowed SANs"));
  for (const { oid, value } of wanted) {
    const patterns = allowed.filter((one) => one.oid === oid);
    if (patterns.length === 0) throw invalid(`other SAN OID ${oid} not allowed by this role`);
    if (!patterns.some((one) => globMatches(one.value, value))) throw invalid(`other SAN ${value} not allowed for OID ${oid} by this role`);
  }
  return wanted;
}

function agreeIps(role: Role, wishes: NameWishes, csr: CertificateRequest | undefined): readonly string[] {
  const wanted = csr?.names.ips ?? (wishes.ip_sans ?? []).filter((ip) => ip !== "");
  if (wanted.length === 0) return wanted;
  for (const ip of wanted) if (!ipBytes(ip)) throw invalid(`the value ${JSON.stringify(ip)} is not a valid IP address`);
  if (!role.allow_ip_sans) throw invalid(`IP Subject Alternative Names are not allowed in this role, but was provided via ${csr ? "CSR" : "the API"}`);
  const outside = role.allowed_ip_sans_cidr.length > 0 && wanted.find((ip) => !role.allowed_ip_sans_cidr.some((cidr) => inCidr(ip, cidr)));
  if (outside) throw invalid(`the IP address ${JSON.stringify(ipText(ipBytes(outside)!))} is not allowed in this role`);
  return wanted;
}

function agreeUris(role: Role, wishes: NameWishes, csr: CertificateRequest | undefined): readonly string[] {
  const wanted = csr?.names.uris ?? (wishes.uri_sans ?? []).filter((uri) => uri !== "");
  if (wanted.length === 0) return wanted;
  const via = csr ? "CSR" : "the API";
  if (role.allowed_uri_sans.length === 0) throw invalid(`URI Subject Alternative Names are not allowed in this role, but were provided via ${via}`);
  for (const uri of wanted) {
    if (!role.allowed_uri_sans.some((pattern) => globMatches(pattern, uri))) throw invalid(`URI Subject Alternative Names were provided via ${via} which are not valid for this role`);
    if (!URL.canParse(uri) || !ASCII.test(uri)) throw invalid(`the provided URI Subject Alternative Name ${JSON.stringify(uri)} is not a valid URI`);
  }
  return wanted;
}

function agreeUserIds(role: Role, wishes: NameWishes, csr: CertificateRequest | undefined): readonly string[] {
  const given = wishes.user_ids ?? [];
  const wanted = given.length > 0 ? given : (csr?.attributes ?? []).filter(({ type }) => type === OID.userId).map(({ value }) => value);
  for (const id of wanted) {
    const isAllowed = role.allowed_user_ids.some((pattern) => pattern !== "" && (pattern.toLowerCase() === id.toLowerCase() || (pattern.includes("*") && globMatches(pattern, id))));
    if (!isAllowed) throw invalid(`user_id ${id} is not allowed by this role`);
  }
  return wanted;
}
