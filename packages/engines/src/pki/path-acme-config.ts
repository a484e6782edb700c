import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import type { AnyPath, EngineRequest, HandlerResult, Mount, WriteStorage } from "@coffer/state-machine";
import { prefixOf } from "./acme-directory.js";
import type { DirectoryInput } from "./acme-directory.js";
import { deleteEab, eabIds, getAcmeConfig, getAcmeSecret, getEab, putAcmeConfig, putAcmeSecret, putEab } from "./acme-storage.js";
import type { AcmeConfig } from "./acme-storage.js";
import { findIssuer } from "./authority.js";
import { getRole } from "./role.js";
import { getCluster } from "./storage.js";

const SECRET_BYTES = 32;

function check(storage: WriteStorage, config: AcmeConfig): void {
  const { default_directory_policy: policy, enabled, max_ttl } = config;
  if (enabled && getCluster(storage).path === "") throw invalid("ACME feature requires local cluster 'path' field configuration to be set");
  if (policy.startsWith("role:") && !getRole(storage, policy.slice("role:".length))) throw invalid(`default directory policy role ${policy.slice("role:".length)} was not found`);
  if (!policy.startsWith("role:") && policy !== "forbid" && policy !== "sign-verbatim") throw invalid(`unknown default_directory_policy ${JSON.stringify(policy)}: must be forbid, sign-verbatim or role:<name>`);
  for (const role of config.allowed_roles) if (role !== "*" && !getRole(storage, role)) throw invalid(`role ${role} specified in allowed_roles does not exist`);
  for (const issuer of config.allowed_issuers) if (issuer !== "*" && !findIssuer(storage, issuer)) throw invalid(`unable to find PKI issuer for reference: ${issuer}`);
  if (config.dns_resolver !== "" && !/^(\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+?)(:\d+)?$/.test(config.dns_resolver)) throw invalid("dns_resolver must be an address, or an address and a port");
  if (max_ttl < 1) throw invalid("max_ttl must be longer than nothing");
}

export const configAcmePath = definePath({
  template: "config/acme",
  help: { synopsis: "Reads and sets whether and how ACME is served.", description: "It needs `path` of config/cluster: that is what clients are told. A write leaves alone what it does not name." },
  fields: {
    enabled: field.bool({ description: "Whether ACME is served." }),
    allowed_issuers: field.commaList({ description: "Issuers that may be used; `*` for any." }),
    allowed_roles: field.commaList({ description: "Roles that may be used; `*` for any." }),
    allow_role_ext_key_usage: field.bool({ description: "Whether roles' extended key usages are kept; otherwise certificates are for servers." }),
    default_directory_policy: field.string({ description: "What the directory without a role does: forbid, sign-verbatim, or role:<name>." }),
    dns_resolver: field.string({ description: "Address (and port) of the resolver for dns-01; empty for the system's." }),
    eab_policy: field.string({ description: "Whether accounts must be bound: not-required, new-account-required, always-required.", allowed: ["not-required", "new-account-required", "always-required"] }),
    max_ttl: field.duration({ description: "The longest life of a certificate that is had by ACME; 90 days at first." }),
  },
  operations: {
    read: { effect: "read", summary: "Read the settings of ACME.", handler: (_request, storage) => data({ ...getAcmeConfig(storage) }) },
    update: {
      effect: "write",
      summary: "Set the settings of ACME.",
      handler({ input }, storage, { env }) {
        const changes = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Partial<AcmeConfig>;
        const config = { ...getAcmeConfig(storage), ...changes };
        check(storage, config);
        putAcmeConfig(storage, config);
        if (getAcmeSecret(storage) === undefined) putAcmeSecret(storage, Buffer.from(env.randomBytes(SECRET_BYTES)).toString("base64url"));
        return data({ ...config });
      },
    },
  },
});

const NAME = { name: field.name({ description: "Name of the role whose directory it is for.", required: true }) };
const ISSUER = { issuer_ref: field.string({ description: "Name or id of the issuer whose directory it is for.", required: true }) };

function newEab({ input }: EngineRequest<DirectoryInput>, storage: WriteStorage, { env }: Mount): HandlerResult {
  const eab = { id: env.uuid(), key: Buffer.from(env.randomBytes(SECRET_BYTES)).toString("base64url"), createdMs: env.now(), directory: prefixOf(input) };
  putEab(storage, eab);
  return data({ id: eab.id, key_type: "hs", acme_directory: `${eab.directory}acme/directory`, created_on: new Date(eab.createdMs).toISOString(), key: eab.key });
}

const eabPath = (prefix: string, fields: Record<string, never>): AnyPath =>
  definePath<string, Record<string, never>>({
    template: `${prefix}acme/new-eab`,
    help: { synopsis: "Makes a key for external account binding.", description: "Good for one account of this directory." },
    fields,
    operations: { update: { effect: "write", summary: "Make a key for external account binding.", handler: newEab as never } },
  });

const eabListPath = definePath({
  template: "eab",
  help: { synopsis: "Lists the keys for external account binding that nobody has used.", description: "By their ids; the keys themselves are not shown." },
  fields: {},
  operations: {
    list: {
      effect: "read",
      summary: "List keys for external account binding.",
      async handler(_request, storage) {
        const ids = await eabIds(storage);
        const info = (id: string) => ({ key_type: "hs", acme_directory: `${getEab(storage, id)!.directory}acme/directory`, created_on: new Date(getEab(storage, id)!.createdMs).toISOString() });
        return keyList(ids, Object.fromEntries(ids.map((id) => [id, info(id)])));
      },
    },
  },
});

const eabDeletePath = definePath({
  template: "eab/{key_id}",
  help: { synopsis: "Removes a key for external account binding.", description: "Nobody can use it from then on." },
  fields: { key_id: field.string({ description: "Id of the key.", required: true }) },
  operations: {
    delete: {
      effect: "write",
      summary: "Remove a key for external account binding.",
      handler({ input }, storage) {
        const isThere = getEab(storage, input.key_id) !== undefined;
        deleteEab(storage, input.key_id);
        return isThere ? NO_CONTENT : { ...NO_CONTENT, warnings: [`No key id found with id: ${input.key_id}`] };
      },
    },
  },
});

const NO_FIELDS = {} as Record<string, never>;
export const acmeConfigPaths: readonly AnyPath[] = [
  configAcmePath,
  eabListPath,
  eabDeletePath,
  eabPath("", NO_FIELDS),
  eabPath("roles/{name}/", NAME as unknown as Record<string, never>),
  eabPath("issuer/{issuer_ref}/", ISSUER as unknown as Record<string, never>),
  eabPath("issuer/{issuer_ref}/roles/{name}/", { ...ISSUER, ...NAME } as unknown as Record<string, never>),
];
