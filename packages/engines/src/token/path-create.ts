import { aclOf, clipTtl, createToken, definePath, field, getPolicy, invalid, wireAuth } from "@coffer/state-machine";
import type { EngineRequest, InputOf, Mount, Response, TokenEntry, WriteStorage } from "@coffer/state-machine";
import { ownEntry } from "./find.js";
import { policiesForToken } from "./policies.js";

const FIELDS = {
  id: field.string({ description: "The token itself, for those with sudo who want to choose it. Made up when empty.", sensitive: true, default: "" }),
  policies: field.stringList({ description: "Policies of the token; the parent's when empty." }),
  meta: field.pairs({ description: "Key-value pairs kept with the token, and shown in audit logs." }),
  no_parent: field.bool({ description: "Makes an orphan, which outlives the calling token. Needs sudo.", default: false }),
  no_default_policy: field.bool({ description: "Leaves the default policy out.", default: false }),
  renewable: field.bool({ description: "Whether the token can be renewed, up to the maximum TTL.", default: true }),
  ttl: field.duration({ description: "How long the token lives unless it is renewed.", default: 0 }),
  lease: field.duration({ description: "Older name of `ttl`.", deprecated: true, default: 0 }),
  type: field.string({ description: "Kind of token: `service`.", default: "" }),
  explicit_max_ttl: field.duration({ description: "How long the token lives at most, whatever is renewed.", default: 0 }),
  display_name: field.string({ description: "Name of the token in audit logs.", default: "" }),
  num_uses: field.int({ description: "How often the token can be used; 0 means without limit.", default: 0 }),
  period: field.duration({ description: "Makes a periodic token: each renewal gives it this long, without a maximum. Needs sudo.", default: 0 }),
  entity_alias: field.string({ description: "Entity alias of the token; only with a token role.", default: "" }),
};
type Input = InputOf<typeof FIELDS>;

export const createPath = definePath({
  template: "create",
  help: { synopsis: "Creates a token.", description: "The token is a child of the calling one, and is revoked with it. It gets at most the caller's policies, unless the caller has sudo on this path." },
  fields: FIELDS,
  operations: { update: { effect: "write", summary: "Create a child of the calling token.", handler: (request, storage, mount) => create(request, storage, mount, request.input.no_parent) } },
});

export const createOrphanPath = definePath({
  template: "create-orphan",
  help: { synopsis: "Creates a token without a parent.", description: "As create, but the token outlives the calling one." },
  fields: FIELDS,
  operations: { update: { effect: "write", summary: "Create a token without a parent.", handler: (request, storage, mount) => create(request, storage, mount, true) } },
});

function create(request: EngineRequest<Input>, storage: WriteStorage, mount: Mount, isOrphan: boolean): Response {
  const { input } = request;
  const parent = ownEntry(storage, request.caller, mount.env);
  const isSudo = hasSudo(request, storage, mount);
  checkAllowed(input, parent, isSudo);
  const policies = policiesForToken({ asked: input.policies, noDefaultPolicy: input.no_default_policy, parentPolicies: parent.policies, isSudo });
  const { ttl, warnings } = ttlFor(input, policies, parent, mount);
  const { text, entry } = createToken(
    storage,
    {
      ...(input.id !== "" && { text: input.id }),
      parent: isOrphan ? "" : parent.id,
      policies,
      entityId: isOrphan ? "" : parent.entityId,
      path: `auth/token/${request.path}`,
      meta: input.meta ?? null,
      displayName: displayName(input.display_name),
      numUses: input.num_uses,
      ttl,
      explicitMaxTtl: input.explicit_max_ttl,
      period: input.period,
      renewable: input.renewable,
      // A child must not get around the networks that its parent is bound to.
      boundCidrs: isOrphan || ttl === 0 ? [] : parent.boundCidrs,
    },
    mount.env,
  );
  const missing = policies.filter((name) => !getPolicy(storage, name)).map((name) => `Policy ${JSON.stringify(name)} does not exist`);
  return { kind: "envelope", data: null, auth: wireAuth(text, entry), warnings: [...warnings, ...missing] };
}

function hasSudo({ caller, path }: EngineRequest<Input>, storage: WriteStorage, { fullPath }: Mount): boolean {
  const capabilities = caller ? aclOf(storage, caller).capabilities(fullPath + path) : [];
  return capabilities.includes("sudo") || capabilities.includes("root");
}

/** Throws RequestError 400 for what this caller may not ask for, and what makes no sense. */
function checkAllowed(input: Input, parent: TokenEntry, isSudo: boolean): void {
  // It could go on after its last use.
  if (parent.numUses > 0) throw invalid("restricted use token cannot generate child tokens");
  if (input.type === "batch") throw invalid("batch tokens are not supported by this version; use type=service");
  if (input.type !== "" && input.type !== "service") throw invalid("invalid 'token_type' value");
  if (input.num_uses < 0) throw invalid("number of uses cannot be negative");
  if (input.entity_alias !== "") throw invalid("'entity_alias' is only allowed in combination with token role");
  if (input.no_parent && !isSudo) throw invalid("root or sudo privileges required to create orphan token");
  if (input.period > 0 && !isSudo) throw invalid("root or sudo privileges required to create periodic token");
  if (input.id !== "") {
    if (!isSudo) throw invalid("root or sudo privileges required to specify token id");
    checkOwnText(input.id);
  }
}

const MAX_TEXT = 256;

/** A chosen token must travel in a header, and not look like one that was made here. Throws RequestError 400. */
function checkOwnText(text: string): void {
  for (const prefix of ["hvs.", "s."]) if (text.startsWith(prefix)) throw invalid(`custom token ID cannot have the '${prefix}' prefix`);
  if (text.includes(".")) throw invalid("custom token ID cannot have a '.' in the value");
  if (!/^[\x21-\x7e]+$/.test(text) || text.length > MAX_TEXT) throw invalid(`custom token ID must be at most ${MAX_TEXT} printable characters without spaces`);
}

/** Seconds; 0 for a root token that nobody gave an end. */
function ttlFor(input: Input, policies: readonly string[], parent: TokenEntry, mount: Mount): { readonly ttl: number; readonly warnings: readonly string[] } {
  const asked = input.ttl || input.lease;
  const explicitMaxTtl = input.explicit_max_ttl;
  if (policies.includes("root") && asked === 0 && input.period === 0) {
    if (explicitMaxTtl === 0 && parent.ttl !== 0) throw invalid("expiring root tokens cannot create non-expiring root tokens");
    return { ttl: explicitMaxTtl, warnings: [] };
  }
  return clipTtl(asked, { period: input.period, explicitMaxTtl, age: 0 }, { defaultTtl: mount.defaultLeaseTtlSeconds, maxTtl: mount.maxLeaseTtlSeconds });
}

function displayName(asked: string): string {
  return asked === "" ? "token" : `token-${asked}`.replace(/[^a-zA-Z0-9-]/g, "-").replace(/-$/, "");
}
