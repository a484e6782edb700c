import { field, invalid, olderTokenFields, roleTokens, shownTokens, tokenFields } from "@coffer/state-machine";
import type { InputOf, RoleTokens } from "@coffer/state-machine";
import { extensionHex, extensionText, namesOf, parseBundle } from "./certificates.js";
import type { Certificate, Names } from "./certificates.js";
import { usageProblem } from "./chain.js";
import { matchesGlob } from "./glob.js";

/** Constraints: lists of which at least one has to fit, `*` standing for anything. Empty ones demand nothing. */
const constraintFields = {
  allowed_names: field.commaList({ description: "Common names, or DNS or email names. Older than the three that follow.", deprecated: true }),
  allowed_common_names: field.commaList({ description: "Common names." }),
  allowed_dns_sans: field.commaList({ description: "DNS names among the subject alternative names." }),
  allowed_email_sans: field.commaList({ description: "Email addresses among the subject alternative names." }),
  allowed_uri_sans: field.commaList({ description: "URIs among the subject alternative names." }),
  allowed_organizational_units: field.commaList({ description: "Organizational units of the subject." }),
  allowed_organizations: field.commaList({ description: "Organizations of the subject." }),
  required_extensions: field.commaList({ description: "Extensions as OID:VALUE for strings, or hex:OID:VALUE for their bytes. All of them have to fit." }),
  allowed_metadata_extensions: field.commaList({ description: "OIDs of extensions that become metadata of the token, under the OID with dashes." }),
};

const ocspFields = {
  ocsp_enabled: field.bool({ description: "Asks OCSP servers whether the client's certificate is revoked." }),
  ocsp_ca_certificates: field.string({ description: "More certificates by which answers of OCSP servers are believed, PEM, beside that of the client certificate's issuer." }),
  ocsp_servers_override: field.commaList({ description: "OCSP servers to ask instead of those that the certificate names." }),
  ocsp_fail_open: field.bool({ description: "Lets in whom no OCSP server knows about." }),
  ocsp_query_all_servers: field.bool({ description: "All OCSP servers have to agree, instead of the first that knows." }),
  ocsp_this_update_max_age: field.duration({ description: "How old an answer of an OCSP server may be; 0: as old as it says itself." }),
  ocsp_max_retries: field.int({ description: "How often an OCSP server that does not answer is asked again. Default 4." }),
};

const { policies, ttl, max_ttl, period, bound_cidrs } = olderTokenFields;
export const roleFields = {
  certificate: field.string({ description: "Certificate to trust, PEM: a CA, with intermediate ones behind it where there are any, or the very certificate of a client." }),
  display_name: field.string({ description: "Display name of the tokens. Default: the name of the role." }),
  ...constraintFields,
  ...ocspFields,
  policies, ttl, max_ttl, period, bound_cidrs,
  lease: field.int({ description: "Oldest name of `token_ttl`, in seconds.", deprecated: true }),
  ...tokenFields,
};

type Defined<F extends Record<string, unknown>> = { readonly [N in keyof F]: Exclude<F[N], undefined> };
export type RoleSettings = Omit<Defined<InputOf<typeof constraintFields & typeof ocspFields>>, "allowed_organizations"> & {
  readonly certificate: string;
  readonly display_name: string;
  /** Absent in what was stored before there was such a field. */
  readonly allowed_organizations?: readonly string[];
};
export type RoleInput = Partial<InputOf<typeof roleFields>>;

export interface CertRole {
  readonly name: string;
  readonly settings: RoleSettings;
  readonly tokens: RoleTokens;
}

const DEFAULTS: RoleSettings = Object.freeze({
  certificate: "", display_name: "", allowed_names: [], allowed_common_names: [], allowed_dns_sans: [], allowed_email_sans: [], allowed_uri_sans: [], allowed_organizational_units: [], allowed_organizations: [],
  required_extensions: [], allowed_metadata_extensions: [], ocsp_enabled: false, ocsp_ca_certificates: "", ocsp_servers_override: [], ocsp_fail_open: false, ocsp_query_all_servers: false, ocsp_this_update_max_age: 0, ocsp_max_retries: 4,
});

/** Throws RequestError 400. */
export function changeRole(name: string, before: CertRole | undefined, input: RoleInput): CertRole {
  const given = Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, input[key as keyof RoleInput]]).filter(([, value]) => value !== undefined)) as Partial<RoleSettings>;
  const joined = { ...DEFAULTS, ...before?.settings, ...given };
  const settings = { ...joined, display_name: joined.display_name || name };
  const tokens = roleTokens(input.lease !== undefined && input.ttl === undefined ? { ...input, ttl: input.lease } : input, before?.tokens);
  check(settings);
  return { name, settings, tokens };
}

const MOST_RETRIES = 10;

export const isWebAddress = (text: string): boolean => /^https?:\/\//i.test(text) && URL.canParse(text);

function check(settings: RoleSettings): void {
  const [first] = parseBundle(settings.certificate);
  if (!first) throw invalid("failed to parse certificate");
  if (!first.node.ca && usageProblem(first) !== undefined) throw invalid("nonCA certificates should have TLS client authentication set as an extended key usage");
  if (settings.ocsp_ca_certificates !== "" && parseBundle(settings.ocsp_ca_certificates).length === 0) throw invalid("failed to parse ocsp_ca_certificates");
  if (settings.ocsp_max_retries < 0 || settings.ocsp_max_retries > MOST_RETRIES) throw invalid(`ocsp_max_retries must be from 0 to ${MOST_RETRIES}`);
  for (const server of settings.ocsp_servers_override) if (!isWebAddress(server)) throw invalid(`ocsp_servers_override: ${JSON.stringify(server)} is no URL of http or https`);
  const oid = (text: string) => /^\d+(\.\d+)+$/.test(text);
  for (const text of settings.required_extensions) {
    const [id = "", value] = splitExtension(text.replace(/^hex:/, ""));
    if (value === undefined || !oid(id)) throw invalid(`invalid required_extensions: ${JSON.stringify(text)} is not OID:VALUE`);
  }
  for (const text of settings.allowed_metadata_extensions) if (!oid(text)) throw invalid(`invalid allowed_metadata_extensions: ${JSON.stringify(text)} is no OID`);
}

function splitExtension(text: string): [string, string | undefined] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** The members of a read; a list with nothing in it is null, as in Vault. */
export function shownRole({ settings, tokens }: CertRole): Readonly<Record<string, unknown>> {
  const shown = Object.entries({ allowed_organizations: [], ...settings }).map(([name, value]) => [name, Array.isArray(value) && value.length === 0 ? null : value] as const);
  return { ...Object.fromEntries(shown), ...shownTokens(tokens) };
}

/** Whether a client's certificate is what the role asks for, apart from being trusted. */
export function meetsConstraints(client: Certificate, settings: RoleSettings): boolean {
  const names: Names = namesOf(client);
  const fits = (patterns: readonly string[], values: readonly string[]) => patterns.length === 0 || patterns.some((pattern) => values.some((value) => matchesGlob(pattern, value)));
  return (
    fits(settings.allowed_names, [names.commonName, ...names.dns, ...names.emails]) &&
    fits(settings.allowed_common_names, [names.commonName]) &&
    fits(settings.allowed_dns_sans, names.dns) &&
    fits(settings.allowed_email_sans, names.emails) &&
    fits(settings.allowed_uri_sans, names.uris) &&
    fits(settings.allowed_organizational_units, names.units) &&
    fits(settings.allowed_organizations ?? [], names.organizations) &&
    settings.required_extensions.every((text) => hasExtension(client, text))
  );
}

function hasExtension(client: Certificate, text: string): boolean {
  const isHex = text.startsWith("hex:");
  const [oid, pattern = ""] = splitExtension(isHex ? text.slice("hex:".length) : text);
  const value = isHex ? extensionHex(client, oid) : extensionText(client, oid);
  return value !== undefined && matchesGlob(isHex ? pattern.toLowerCase() : pattern, value);
}

/** What the role takes over from the certificate's extensions. */
export function extensionMetadata(client: Certificate, { allowed_metadata_extensions: oids }: RoleSettings): Record<string, string> {
  return Object.fromEntries(oids.map((oid) => [oid.replaceAll(".", "-"), extensionText(client, oid)] as const).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
