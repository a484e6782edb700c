import { data, definePath, denied, field, findByAccessor, findToken, remainingTtl, RequestError, tokenId } from "@coffer/state-machine";
import type { EngineRequest, Environment, ReadStorage, Response, TokenEntry } from "@coffer/state-machine";

export const badToken = () => new RequestError("permission_denied", "bad token");

const isoOrNull = (seconds: number) => (seconds === 0 ? null : new Date(seconds * 1000).toISOString());

function describe(entry: TokenEntry, id: string, env: Environment): Response {
  const isRoot = entry.path === "auth/token/root";
  return data({
    id,
    accessor: entry.accessor,
    policies: entry.policies,
    path: entry.path,
    meta: entry.meta,
    display_name: entry.displayName,
    num_uses: Math.max(0, entry.numUses),
    orphan: entry.parent === "",
    creation_time: entry.creationTime,
    creation_ttl: entry.creationTtl,
    expire_time: isoOrNull(entry.expireTime),
    ttl: remainingTtl(entry, env.now() / 1000),
    explicit_max_ttl: entry.explicitMaxTtl,
    entity_id: entry.entityId,
    type: "service",
    ...(isRoot ? {} : { issue_time: isoOrNull(entry.creationTime), renewable: entry.renewable }),
    ...(entry.period > 0 && { period: entry.period }),
    ...(entry.role !== "" && { role: entry.role }),
    ...(entry.boundCidrs.length > 0 && { bound_cidrs: entry.boundCidrs }),
    ...(entry.lastRenewal > 0 && { last_renewal: isoOrNull(entry.lastRenewal), last_renewal_time: entry.lastRenewal }),
  });
}

function lookupText(storage: ReadStorage, text: string, env: Environment): Response {
  const entry = findToken(storage, tokenId(storage, text), env);
  if (!entry) throw badToken();
  return describe(entry, text, env);
}

const help = (synopsis: string) => ({ synopsis, description: "This endpoint looks up a token and its properties." });
const tokenField = field.string({ description: "Token to look up.", sensitive: true });

/** The own token's text reaches no handler: the client knows it, and the caller's entry is enough. */
function lookupSelf(request: EngineRequest<unknown>, storage: ReadStorage, env: Environment): Response {
  const entry = request.caller && findToken(storage, request.caller.tokenId, env);
  if (!entry) throw denied();
  return describe(entry, request.ownToken ?? "", env);
}

export const lookup = definePath({
  template: "lookup",
  help: help("This endpoint will lookup a token and its properties."),
  fields: { token: tokenField },
  operations: {
    read: { effect: "read", summary: "Look up the calling token, or the one given.", handler: (request, storage, { env }) => (request.input.token ? lookupText(storage, request.input.token, env) : lookupSelf(request, storage, env)) },
    update: { effect: "write", summary: "Look up the calling token, or the one given.", handler: (request, storage, { env }) => (request.input.token ? lookupText(storage, request.input.token, env) : lookupSelf(request, storage, env)) },
  },
});

export const lookupSelfPath = definePath({
  template: "lookup-self",
  help: help("This endpoint will lookup the calling token and its properties."),
  fields: { token: field.string({ description: "Unused; the calling token is looked up.", sensitive: true }) },
  operations: {
    read: { effect: "read", summary: "Look up the calling token.", handler: (request, storage, { env }) => lookupSelf(request, storage, env) },
    update: { effect: "write", summary: "Look up the calling token.", handler: (request, storage, { env }) => lookupSelf(request, storage, env) },
  },
});

export const lookupAccessor = definePath({
  template: "lookup-accessor",
  help: help("This endpoint will lookup a token associated with the given accessor and its properties. Response will not contain the token ID."),
  fields: { accessor: field.string({ description: "Accessor of the token to look up.", required: true }) },
  operations: {
    update: {
      effect: "write",
      summary: "Look up a token by its accessor.",
      handler(request, storage, { env }) {
        const entry = findByAccessor(storage, request.input.accessor, env);
        if (!entry) throw new RequestError("permission_denied", "invalid accessor");
        return describe(entry, "", env);
      },
    },
  },
});

export const accessors = definePath({
  template: "accessors",
  help: help("List token accessors, which can then be used to iterate and discover tokens. Because this can be used to cause a denial of service, this endpoint requires 'sudo' capability."),
  fields: {},
  operations: {
    list: {
      effect: "read",
      access: "sudo",
      summary: "List token accessors.",
      async handler(_request, storage) {
        const keys = await storage.list("token/accessor/");
        return keys.length === 0 ? undefined : data({ keys });
      },
    },
  },
});
