import { parseDuration } from "@coffer/hcl";
import { data, definePath, field, invalid } from "@coffer/state-machine";
import type { EngineRequest, InputOf, ReadStorage } from "@coffer/state-machine";
import { findIssuer, findKey } from "./authority.js";
import { rebuildCrls, secondsOf } from "./crl-rebuild.js";
import { getCrlConfig, putCrlConfig } from "./crl-storage.js";
import type { CrlConfig } from "./crl-storage.js";
import { getCluster, getIssuersConfig, getKeysConfig, getUrls, issuerIds, putCluster, putIssuersConfig, putKeysConfig, putUrls } from "./storage.js";
import { checkUrls, templateWarnings } from "./urls.js";

const showIssuers = (storage: ReadStorage) => {
  const { default: id, default_follows_latest_issuer } = getIssuersConfig(storage);
  return data({ default: id, default_follows_latest_issuer });
};

export const configIssuersPath = definePath({
  template: "config/issuers",
  help: { synopsis: "Reads and sets the default issuer.", description: "It is the one that is used where none is named." },
  fields: {
    default: field.string({ description: "Name or id of the default issuer." }),
    default_follows_latest_issuer: field.bool({ description: "Whether an issuer that is made or imported becomes the default." }),
  },
  operations: {
    read: { effect: "read", summary: "Read the default issuer.", handler: (_request, storage) => showIssuers(storage) },
    update: {
      effect: "write",
      summary: "Set the default issuer.",
      handler({ input }, storage) {
        const before = getIssuersConfig(storage);
        if (input.default === "" || input.default === "default") throw invalid("Invalid issuer specification; must be non-empty and can't be 'default'.");
        const issuer = input.default === undefined ? undefined : findIssuer(storage, input.default);
        if (input.default !== undefined && !issuer) throw invalid(`Error resolving issuer reference: unable to find PKI issuer for reference: ${input.default}`);
        putIssuersConfig(storage, { ...before, default: issuer?.id ?? before.default, default_follows_latest_issuer: input.default_follows_latest_issuer ?? before.default_follows_latest_issuer });
        const warnings = issuer?.key_id === "" ? { warnings: ["This selected default issuer has no key associated with it. Some operations like issuing certificates and signing CRLs will be unavailable with the requested default issuer until a key is imported or the default issuer is changed."] } : {};
        return { ...showIssuers(storage), ...warnings };
      },
    },
  },
});

export const configKeysPath = definePath({
  template: "config/keys",
  help: { synopsis: "Reads and sets the default key.", description: "It is the one that `existing` means where none is named." },
  fields: { default: field.string({ description: "Name or id of the default key." }) },
  operations: {
    read: { effect: "read", summary: "Read the default key.", handler: (_request, storage) => data({ default: getKeysConfig(storage).default }) },
    update: {
      effect: "write",
      summary: "Set the default key.",
      handler({ input }, storage) {
        const ref = input.default ?? "";
        if (ref === "" || ref === "default") throw invalid("Invalid key specification; must be non-empty and can't be 'default'.");
        const key = findKey(storage, ref);
        if (!key) throw invalid(`unable to find PKI key for reference: ${ref}`);
        putKeysConfig(storage, { ...getKeysConfig(storage), default: key.id });
        return data({ default: key.id });
      },
    },
  },
});

const urlList = (description: string) => field.commaList({ description });

export const configUrlsPath = definePath({
  template: "config/urls",
  help: { synopsis: "Reads and sets the URLs that certificates carry.", description: "Of issuers that have none of their own. A write leaves alone what it does not name." },
  fields: {
    issuing_certificates: urlList("URLs of the issuer's certificate."),
    crl_distribution_points: urlList("URLs of the issuer's CRL."),
    delta_crl_distribution_points: urlList("URLs of the issuer's delta CRL."),
    ocsp_servers: urlList("URLs of an OCSP responder."),
    enable_templating: field.bool({ description: "Whether those URLs hold {{issuer_id}}, {{cluster_path}} or {{cluster_aia_path}}." }),
  },
  operations: {
    read: { effect: "read", summary: "Read the URLs.", handler: (_request, storage) => data({ ...getUrls(storage) }) },
    update: {
      effect: "write",
      summary: "Set the URLs.",
      async handler({ input }, storage) {
        const before = getUrls(storage);
        const urls = {
          issuing_certificates: input.issuing_certificates ?? before.issuing_certificates,
          crl_distribution_points: input.crl_distribution_points ?? before.crl_distribution_points,
          delta_crl_distribution_points: input.delta_crl_distribution_points ?? before.delta_crl_distribution_points,
          ocsp_servers: input.ocsp_servers ?? before.ocsp_servers,
          enable_templating: input.enable_templating ?? before.enable_templating,
        };
        checkUrls(urls);
        putUrls(storage, urls);
        const [issuer] = await issuerIds(storage);
        const warnings = issuer === undefined ? [] : templateWarnings(urls, storage, issuer);
        return data({ ...urls }, warnings.length > 0 ? { warnings } : {});
      },
    },
  },
});

export const configClusterPath = definePath({
  template: "config/cluster",
  help: { synopsis: "Reads and sets where this mount is reached.", description: "For the URLs that certificates carry, where they are templates, and for ACME." },
  fields: {
    path: field.string({ description: "URL of this mount's API, as https://coffer.example.com:8200/v1/pki." }),
    aia_path: field.string({ description: "URL for issuers' certificates, CRLs and OCSP; http:// is fine." }),
  },
  operations: {
    read: { effect: "read", summary: "Read the mount's URLs.", handler: (_request, storage) => data({ ...getCluster(storage) }) },
    update: {
      effect: "write",
      summary: "Set the mount's URLs.",
      handler({ input }, storage) {
        const before = getCluster(storage);
        const after = { path: input.path ?? before.path, aia_path: input.aia_path ?? before.aia_path };
        for (const [name, url] of Object.entries(after)) if (url !== "" && !/^https?:\/\/\S+$/.test(url)) throw invalid(`invalid, non-URL ${name} given to cluster: ${url}`);
        putCluster(storage, after);
        return data({ ...after });
      },
    },
  },
});

const DURATIONS = ["expiry", "ocsp_expiry", "auto_rebuild_grace_period", "delta_rebuild_interval"] as const satisfies readonly (keyof CrlConfig)[];
/** Vault's settings for revocations of other clusters. */
const BETWEEN_CLUSTERS = ["cross_cluster_revocation", "unified_crl", "unified_crl_on_existing_paths"] as const;
const CRL_FIELDS = {
  expiry: field.string({ description: "How long a CRL is good for; 72h at first." }),
  disable: field.bool({ description: "Whether CRLs name nobody." }),
  ocsp_disable: field.bool({ description: "Whether OCSP answers nothing." }),
  ocsp_expiry: field.string({ description: "How long an OCSP answer is good for; 12h at first, 0 for no end." }),
  auto_rebuild: field.bool({ description: "Whether CRLs are built when they are about to end rather than at each revocation." }),
  auto_rebuild_grace_period: field.string({ description: "How long before a CRL's end the next one is built; 12h at first." }),
  enable_delta: field.bool({ description: "Whether delta CRLs are built; they need auto_rebuild." }),
  delta_rebuild_interval: field.string({ description: "How often delta CRLs are built, where something was revoked; 15m at first." }),
  allow_expired_cert_revocation: field.bool({ description: "Whether certificates that have ended can be revoked." }),
  ...Object.fromEntries(BETWEEN_CLUSTERS.map((name) => [name, field.bool({ description: "False: there are no other clusters whose revocations are known here." })])),
};

const showCrlConfig = (config: CrlConfig) => data({ ...config, ...Object.fromEntries(BETWEEN_CLUSTERS.map((name) => [name, false])) });

/** Throws RequestError 400. */
function crlConfig({ input }: EngineRequest<InputOf<typeof CRL_FIELDS>>, before: CrlConfig): CrlConfig {
  const wanted = BETWEEN_CLUSTERS.find((name) => (input as Readonly<Record<string, unknown>>)[name] === true);
  if (wanted !== undefined) throw invalid(`${wanted} cannot be enabled: there is no replication of revocations between clusters`);
  const changes = Object.fromEntries(Object.entries(input).filter(([name, value]) => value !== undefined && Object.hasOwn(before, name))) as Partial<CrlConfig>;
  const config = { ...before, ...changes };
  for (const name of DURATIONS) {
    const seconds = parseDuration(config[name]);
    if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) throw invalid(`given ${name} could not be decoded: time: invalid duration ${JSON.stringify(config[name])}`);
  }
  const expiry = secondsOf(config.expiry);
  if (expiry === 0) throw invalid("given expiry could not be decoded: it must be longer than nothing");
  if (config.auto_rebuild && secondsOf(config.auto_rebuild_grace_period) >= expiry) {
    throw invalid(`CRL auto-rebuilding grace period (${config.auto_rebuild_grace_period}) must be strictly shorter than CRL expiry (${config.expiry}) value when auto-rebuilding of CRLs is enabled`);
  }
  if (config.enable_delta && secondsOf(config.delta_rebuild_interval) >= expiry) {
    throw invalid(`CRL delta rebuild window (${config.delta_rebuild_interval}) must be strictly shorter than CRL expiry (${config.expiry}) value when delta CRLs are enabled`);
  }
  if (config.enable_delta && !config.auto_rebuild) throw invalid("Delta CRLs cannot be enabled when auto rebuilding is disabled as the complete CRL is always regenerated!");
  return config;
}

export const configCrlPath = definePath({
  template: "config/crl",
  help: { synopsis: "Reads and sets how CRLs and OCSP answers are made.", description: "A write leaves alone what it does not name. Where it changes what CRLs are like, they are built anew." },
  fields: CRL_FIELDS,
  operations: {
    read: { effect: "read", summary: "Read the settings of CRLs.", handler: (_request, storage) => showCrlConfig(getCrlConfig(storage)) },
    update: {
      effect: "write",
      summary: "Set the settings of CRLs.",
      async handler(request, storage, mount) {
        const before = getCrlConfig(storage);
        const config = crlConfig(request, before);
        putCrlConfig(storage, config);
        if (before.disable !== config.disable || (before.auto_rebuild && !config.auto_rebuild) || before.enable_delta !== config.enable_delta) await rebuildCrls(storage, mount);
        return showCrlConfig(config);
      },
    },
  },
});
