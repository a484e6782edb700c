import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import type { EngineRequest, EnvelopeResponse, InputOf, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { findIssuer, issuerParts, USAGES } from "./authority.js";
import type { Usage } from "./authority.js";
import { hasUsage } from "./certificate.js";
import { chainOf } from "./issuer-answer.js";
import { checkIssuerName, rebuildChains } from "./issuer-store.js";
import { KEY_USAGE_BIT } from "./oids.js";
import { SIGNATURE_WISHES } from "./signer.js";
import { deleteIssuer, getIssuer, getIssuersConfig, getKey, issuerIds, NO_URLS, putIssuer, putIssuersConfig } from "./storage.js";
import type { Issuer, NotAfterBehavior, Urls } from "./storage.js";
import { checkUrls, hasUrls, templateWarnings, URL_LISTS } from "./urls.js";

const REF = { issuer_ref: field.string({ description: "Name or id of the issuer, or `default`.", required: true }) };
const LISTING = pageFields("ids");

const urlList = (description: string) => field.commaList({ description });
const SETTINGS = {
  issuer_name: field.string({ description: "Name of the issuer; empty for none." }),
  leaf_not_after_behavior: field.string({ description: "What is done with a leaf that would outlive the issuer: `err`, `truncate` or `permit`; `always_enforce_err` refuses CAs that would, too.", allowed: ["err", "truncate", "permit", "always_enforce_err"] }),
  manual_chain: field.commaList({ description: "Names or ids of the issuers that make the chain, this one first; empty to have it found." }),
  usage: field.commaList({ description: "What the issuer may be used for: read-only, issuing-certificates, crl-signing, ocsp-signing." }),
  revocation_signature_algorithm: field.string({ description: "How CRLs and OCSP answers are signed, as SHA256WithRSAPSS; empty means as the key asks for." }),
  issuing_certificates: urlList("URLs of the issuer's certificate, for the certificates that it signs."),
  crl_distribution_points: urlList("URLs of the issuer's CRL."),
  delta_crl_distribution_points: urlList("URLs of the issuer's delta CRL."),
  ocsp_servers: urlList("URLs of an OCSP responder."),
  enable_aia_url_templating: field.bool({ description: "Whether those URLs hold {{issuer_id}}, {{cluster_path}} or {{cluster_aia_path}}." }),
};
type SettingsRequest = EngineRequest<InputOf<typeof SETTINGS> & { readonly issuer_ref: string }>;

/** Throws RequestError 400, as Vault does for an issuer that is not there. */
function required(storage: ReadStorage, ref: string): Issuer {
  const issuer = findIssuer(storage, ref);
  if (!issuer) throw invalid(`unable to find PKI issuer for reference: ${ref}`);
  return issuer;
}

const withBreak = (text: string) => `${text}\n`;

export function showIssuer(storage: ReadStorage, issuer: Issuer): Record<string, unknown> {
  const urls = issuer.urls ?? NO_URLS;
  return {
    issuer_id: issuer.id,
    issuer_name: issuer.name,
    key_id: issuer.key_id,
    certificate: withBreak(issuerParts(issuer).pem),
    manual_chain: issuer.manual_chain,
    ca_chain: chainOf(storage, issuer).map((link) => withBreak(link.pem)),
    leaf_not_after_behavior: issuer.leaf_not_after_behavior,
    usage: [...issuer.usage].sort().join(","),
    revocation_signature_algorithm: issuer.revocation_signature_algorithm,
    revoked: issuer.revokedMs > 0,
    ...(issuer.revokedMs > 0 && { revocation_time: Math.floor(issuer.revokedMs / 1000), revocation_time_rfc3339: new Date(issuer.revokedMs).toISOString() }),
    issuing_certificates: urls.issuing_certificates,
    crl_distribution_points: urls.crl_distribution_points,
    delta_crl_distribution_points: urls.delta_crl_distribution_points,
    ocsp_servers: urls.ocsp_servers,
    ...(issuer.urls && { enable_aia_url_templating: urls.enable_templating }),
  };
}

export const issuersPath = definePath({
  template: "issuers",
  help: { synopsis: "Lists issuers.", description: "By their ids, with names and keys beside them. It needs no token: certificates are public." },
  fields: LISTING,
  operations: {
    list: {
      effect: "read",
      access: "none",
      summary: "List issuers.",
      async handler({ input }, storage) {
        const ids = (await issuerIds(storage)).filter((id) => id > input.after).slice(0, input.limit > 0 ? input.limit : undefined);
        const config = getIssuersConfig(storage);
        const info = (issuer: Issuer) => ({ issuer_name: issuer.name, is_default: issuer.id === config.default, key_id: issuer.key_id, serial_number: issuer.serial_number });
        return keyList(ids, Object.fromEntries(ids.map((id) => [id, info(getIssuer(storage, id)!)])));
      },
    },
  },
});

function parseUsage(values: readonly string[], issuer: Issuer): string[] {
  const unknown = values.find((value) => !USAGES.includes(value as Usage));
  if (unknown !== undefined) throw invalid(`Unable to parse specified usages: [${values.join(" ")}] - valid values are ${[...USAGES].sort().join(",")}`);
  if (values.includes("crl-signing") && !hasUsage(issuerParts(issuer).certificate, KEY_USAGE_BIT["crlsign"]!)) {
    throw invalid("This issuer's underlying certificate lacks the CRLSign KeyUsage value; unable to set CRLSigningUsage on this issuer as a result.");
  }
  if (values.includes("issuing-certificates") && issuer.revokedMs > 0) {
    throw invalid("This issuer was revoked; unable to modify its usage to include certificate signing again. Reissue this certificate (preferably with a new key) and modify that entry instead.");
  }
  return USAGES.filter((usage) => usage === "read-only" || values.includes(usage));
}

function parseAlgorithm(storage: ReadStorage, issuer: Issuer, name: string): string {
  const wish = Object.hasOwn(SIGNATURE_WISHES, name) ? SIGNATURE_WISHES[name] : undefined;
  if (name !== "" && !wish) throw invalid(`Unknown signature algorithm value: ${name} - valid values are ${Object.keys(SIGNATURE_WISHES).join(", ")}`);
  const key = issuer.key_id === "" ? undefined : getKey(storage, issuer.key_id);
  if (wish && key && wish.type !== key.type) throw invalid(`unable to use ${name} with a key of type ${key.type}`);
  return name;
}

function parseChain(storage: ReadStorage, issuer: Issuer, refs: readonly string[]): readonly string[] | null {
  if (refs.length === 0) return null;
  const ids = refs.map((ref) => required(storage, ref).id);
  if (ids[0] !== issuer.id) throw invalid(`expected first cert in chain to be a self-reference, but was: ${refs[0]}/${ids[0]}`);
  return ids;
}

/** `isPatch`: what is not named stays; otherwise it is set back to its default, as Vault does. */
async function write({ input, given }: SettingsRequest, storage: WriteStorage, isPatch: boolean): Promise<EnvelopeResponse> {
  const issuer = required(storage, input.issuer_ref);
  const takes = (name: string) => !isPatch || given(name);
  const before = issuer.urls ?? NO_URLS;
  const urls: Urls = {
    ...(Object.fromEntries(URL_LISTS.map((list) => [list, takes(list) ? (input[list] ?? []) : before[list]])) as Omit<Urls, "enable_templating">),
    enable_templating: takes("enable_aia_url_templating") ? (input.enable_aia_url_templating ?? false) : before.enable_templating,
  };
  checkUrls(urls);
  const chain = takes("manual_chain") ? parseChain(storage, issuer, input.manual_chain ?? []) : issuer.manual_chain;
  const changed: Issuer = {
    ...issuer,
    name: takes("issuer_name") ? checkIssuerName(storage, input.issuer_name ?? "", issuer.id) : issuer.name,
    leaf_not_after_behavior: takes("leaf_not_after_behavior") ? ((input.leaf_not_after_behavior ?? "err") as NotAfterBehavior) : issuer.leaf_not_after_behavior,
    usage: given("usage") ? parseUsage(input.usage!, issuer) : isPatch || issuer.revokedMs > 0 ? issuer.usage : defaultUsage(issuer),
    revocation_signature_algorithm: takes("revocation_signature_algorithm") ? parseAlgorithm(storage, issuer, input.revocation_signature_algorithm ?? "") : issuer.revocation_signature_algorithm,
    manual_chain: chain,
    urls: hasUrls(urls) || urls.delta_crl_distribution_points.length > 0 ? urls : null,
  };
  putIssuer(storage, changed);
  await rebuildChains(storage);
  const warnings = changed.urls ? templateWarnings(changed.urls, storage, issuer.id) : [];
  return data(showIssuer(storage, getIssuer(storage, issuer.id)!), warnings.length > 0 ? { warnings } : {});
}

const defaultUsage = (issuer: Issuer) => USAGES.filter((usage) => usage !== "crl-signing" || hasUsage(issuerParts(issuer).certificate, KEY_USAGE_BIT["crlsign"]!));

export const issuerPath = definePath({
  template: "issuer/{issuer_ref}",
  help: { synopsis: "Reads, writes and removes an issuer.", description: "Removing an issuer leaves its key; certificates that it signed stay valid, but its CRL is gone." },
  fields: { ...REF, ...SETTINGS },
  operations: {
    read: { effect: "read", summary: "Read an issuer.", handler: ({ input }, storage) => data(showIssuer(storage, required(storage, input.issuer_ref))) },
    update: { effect: "write", summary: "Write the settings of an issuer.", handler: (request, storage) => write(request, storage, false) },
    patch: { effect: "write", summary: "Change some settings of an issuer.", handler: (request, storage) => write(request, storage, true) },
    delete: {
      effect: "write",
      summary: "Remove an issuer.",
      async handler({ input }, storage) {
        const issuer = findIssuer(storage, input.issuer_ref);
        if (!issuer) return NO_CONTENT;
        deleteIssuer(storage, issuer);
        const config = getIssuersConfig(storage);
        const wasDefault = config.default === issuer.id;
        putIssuersConfig(storage, { ...config, default: wasDefault ? "" : config.default, revision: config.revision + 1 });
        await rebuildChains(storage);
        if (!wasDefault) return NO_CONTENT;
        return { ...NO_CONTENT, warnings: [`Deleted issuer ${issuer.id} (via issuer_ref ${input.issuer_ref}); this was configured as the default issuer. Operations without an explicit issuer will not work until a new default is configured.`] };
      },
    },
  },
});

export const issuerJsonPath = definePath({
  template: "issuer/{issuer_ref}/json",
  help: { synopsis: "Reads an issuer's certificate and chain.", description: "Without a token: both are public." },
  fields: REF,
  operations: {
    read: {
      effect: "read",
      access: "none",
      summary: "Read an issuer's certificate.",
      handler({ input }, storage) {
        const issuer = findIssuer(storage, input.issuer_ref);
        if (!issuer) throw invalid(`unable to find PKI issuer for reference: ${input.issuer_ref}`);
        const { certificate, ca_chain, issuer_id, issuer_name } = showIssuer(storage, issuer);
        return data({ certificate, ca_chain, issuer_id, issuer_name });
      },
    },
  },
});
