import { data, definePath, field, findTokenByText, identityOf, remainingTtl, RequestError } from "@coffer/state-machine";
import type { EngineRequest, Environment, Mount, ReadStorage, Response, TokenEntry } from "@coffer/state-machine";
import { byAccessor, ownEntry } from "./find.js";

const isoTime = (seconds: number) => new Date(seconds * 1000).toISOString();

/** `id` is the token itself where the caller has it, else empty. */
function describe(storage: ReadStorage, entry: TokenEntry, id: string, env: Environment): Response {
  const identityPolicies = identityOf(storage, entry.entityId)?.policies ?? [];
  // The first root token was made by initialisation, not by a request: nothing is known of its renewal.
  const isInitialRoot = entry.path === "auth/token/root";
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
    expire_time: entry.expireTime === 0 ? null : isoTime(entry.expireTime),
    ttl: remainingTtl(entry, env.now() / 1000),
    explicit_max_ttl: entry.explicitMaxTtl,
    entity_id: entry.entityId,
    ...(entry.entityId !== "" && { external_namespace_policies: {} }),
    ...(identityPolicies.length > 0 && { identity_policies: identityPolicies }),
    type: entry.type,
    ...(!isInitialRoot && { issue_time: isoTime(entry.creationTime), renewable: entry.renewable }),
    ...(entry.period > 0 && { period: entry.period }),
    ...(entry.role !== "" && { role: entry.role }),
    ...(entry.boundCidrs.length > 0 && { bound_cidrs: entry.boundCidrs }),
    ...(entry.lastRenewal > 0 && { last_renewal: isoTime(entry.lastRenewal), last_renewal_time: entry.lastRenewal }),
  });
}

function lookup(request: EngineRequest<{ readonly token: string }>, storage: ReadStorage, mount: Mount): Response {
  const { token } = request.input;
  if (token === "") return lookupSelf(request, storage, mount);
  const entry = findTokenByText(storage, token, mount.env);
  if (!entry) throw new RequestError("permission_denied", "bad token");
  return describe(storage, entry, token, mount.env);
}

function lookupSelf(request: EngineRequest<unknown>, storage: ReadStorage, { env }: Mount): Response {
  return describe(storage, ownEntry(storage, request, env), request.ownToken ?? "", env);
}

// Looking up by POST keeps a token out of URLs; it writes nothing.

export const lookupPath = definePath({
  template: "lookup",
  help: { synopsis: "Tells the properties of a token.", description: "Its policies, its TTL, where it came from. Without a token, of the calling one." },
  fields: { token: field.string({ description: "The token to look up.", sensitive: true, default: "" }) },
  operations: {
    read: { effect: "read", summary: "Look up a token.", handler: lookup },
    update: { effect: "read", summary: "Look up a token.", handler: lookup },
  },
});

export const lookupSelfPath = definePath({
  template: "lookup-self",
  help: { synopsis: "Tells the properties of the calling token.", description: "As lookup, for the token that asks." },
  fields: { token: field.string({ description: "Ignored: the calling token is looked up.", sensitive: true }) },
  operations: {
    read: { effect: "read", summary: "Look up the calling token.", handler: lookupSelf },
    update: { effect: "read", summary: "Look up the calling token.", handler: lookupSelf },
  },
});

export const lookupAccessorPath = definePath({
  template: "lookup-accessor",
  help: { synopsis: "Tells the properties of a token by its accessor.", description: "As lookup; the token itself is not shown." },
  fields: { accessor: field.string({ description: "Accessor of the token.", required: true }) },
  operations: {
    update: { effect: "read", summary: "Look up a token by its accessor.", handler: ({ input }, storage, { env }) => describe(storage, byAccessor(storage, input.accessor, env), "", env) },
  },
});
