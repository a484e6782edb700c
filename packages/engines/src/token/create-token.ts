import { aclOf, clipTtl, createBatchToken, createToken, entityOfLogin, getPolicy, invalid, wireAuth } from "@coffer/state-machine";
import type { EngineRequest, Mount, Response, TokenEntry, WriteStorage } from "@coffer/state-machine";
import { ownEntry } from "./find.js";
import { matchesAny, policiesForToken } from "./policies.js";
import type { TokenRole } from "./role.js";

/** What is asked for, by whichever path. Durations in seconds. */
export interface CreateInput {
  readonly id: string;
  readonly policies?: readonly string[] | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
  readonly no_parent: boolean;
  readonly no_default_policy: boolean;
  readonly renewable: boolean;
  readonly ttl: number;
  readonly lease: number;
  readonly type: string;
  readonly explicit_max_ttl: number;
  readonly display_name: string;
  readonly num_uses: number;
  readonly period: number;
  readonly entity_alias: string;
}

interface Creation {
  readonly input: CreateInput;
  readonly parent: TokenEntry;
  readonly role: TokenRole | undefined;
  readonly type: TokenEntry["type"];
  /** Whether the caller has sudo on the path. */
  readonly isSudo: boolean;
  readonly mount: Mount;
}

/** Makes the token, as a child of the calling one unless `isOrphan` or the role says otherwise. Throws RequestError 400. */
export function create(request: EngineRequest<CreateInput>, storage: WriteStorage, mount: Mount, by: { readonly isOrphan: boolean } | { readonly role: TokenRole }): Response {
  const { input } = request;
  const role = "role" in by ? by.role : undefined;
  const parent = ownEntry(storage, request, mount.env);
  const creation: Creation = { input, parent, role, type: tokenType(input.type, role), isSudo: hasSudo(request, storage, mount), mount };
  checkAllowed(creation);
  const policies = policiesForToken({ asked: input.policies, noDefaultPolicy: input.no_default_policy, parentPolicies: parent.policies, isSudo: creation.isSudo, ...(role && { role }) });
  const isBatch = creation.type === "batch";
  if (isBatch && policies.includes("root")) throw invalid("batch tokens cannot be root tokens");
  const times = timesFor(creation, policies);
  const isOrphan = role ? role.orphan : "isOrphan" in by && by.isOrphan;
  const common = {
    parent: isOrphan ? "" : parent.id,
    policies,
    // By it all that a role, or one revision of it, made can be revoked.
    path: `auth/token/${request.path}${role && role.pathSuffix !== "" ? `/${role.pathSuffix}` : ""}`,
    meta: input.meta ?? null,
    displayName: displayName(input.display_name),
    ttl: times.ttl,
    entityId: entityFor(creation, storage, isOrphan),
    role: role?.name ?? "",
    boundCidrs: times.ttl === 0 ? [] : boundCidrs(role, isOrphan, parent),
    mountUuid: "",
  };
  const { text, entry } = isBatch
    ? createBatchToken(storage, common, mount.env)
    : createToken(storage, { ...common, ...times, ...(input.id !== "" && { text: input.id }), numUses: usesFor(input.num_uses, role), renewable: input.renewable && (role?.renewable ?? true) }, mount.env);
  const missing = policies.filter((name) => !getPolicy(storage, name)).map((name) => `Policy ${JSON.stringify(name)} does not exist`);
  return { kind: "envelope", data: null, auth: wireAuth(text, entry), warnings: [...times.warnings, ...missing] };
}

/** The entity that the caller names by its alias on this mount, made if need be; else the parent's, which orphans have none of. */
function entityFor({ input, parent, mount }: Creation, storage: WriteStorage, isOrphan: boolean): string {
  if (input.entity_alias === "") return isOrphan ? "" : parent.entityId;
  const grant = { policies: [], displayName: "", renewable: true, alias: { name: input.entity_alias } };
  return entityOfLogin(storage, mount.entry, grant, mount.env)?.id ?? "";
}

function hasSudo({ caller, path }: EngineRequest<CreateInput>, storage: WriteStorage, { fullPath, env }: Mount): boolean {
  const capabilities = caller ? aclOf(storage, caller, env.now()).capabilities(fullPath + path) : [];
  return capabilities.includes("sudo") || capabilities.includes("root");
}

/** A role insists on a type, or says what is made where the caller does not. */
function tokenType(asked: string, role: TokenRole | undefined): TokenEntry["type"] {
  if (role?.tokenType === "service" || role?.tokenType === "batch") return role.tokenType;
  const type = asked !== "" ? asked : role?.tokenType === "default-batch" ? "batch" : "service";
  if (type !== "service" && type !== "batch") throw invalid("invalid 'token_type' value");
  return type;
}

/** Throws RequestError 400 for what this caller may not ask for, and what makes no sense. */
function checkAllowed({ input, parent, role, type, isSudo }: Creation): void {
  if (parent.type === "batch") throw invalid("batch tokens cannot create more tokens");
  // It could go on after its last use.
  if (parent.numUses > 0) throw invalid("restricted use token cannot generate child tokens");
  if (type === "batch") {
    const barred = (["explicit_max_ttl", "num_uses", "period"] as const).find((name) => input[name] !== 0);
    if (barred) throw invalid(`batch tokens cannot have ${JSON.stringify(barred)} set`);
  }
  if (input.num_uses < 0) throw invalid("number of uses cannot be negative");
  checkEntityAlias(input.entity_alias, role);
  if (!role && input.no_parent && !isSudo) throw invalid("root or sudo privileges required to create orphan token");
  if (input.period > 0 && !isSudo) throw invalid("root or sudo privileges required to create periodic token");
  if (input.id !== "") {
    if (!isSudo) throw invalid("root or sudo privileges required to specify token id");
    checkOwnText(input.id);
  }
}

function checkEntityAlias(alias: string, role: TokenRole | undefined): void {
  if (alias === "") return;
  if (!role) throw invalid("'entity_alias' is only allowed in combination with token role");
  if (!matchesAny(role.allowedEntityAliases, alias.toLowerCase())) throw invalid("invalid 'entity_alias' value");
}

const MAX_TEXT = 256;

/** A chosen token must travel in a header, and not look like one that was made here. Throws RequestError 400. */
function checkOwnText(text: string): void {
  for (const prefix of ["hvs.", "hvb.", "s.", "b."]) if (text.startsWith(prefix)) throw invalid(`custom token ID cannot have the '${prefix}' prefix`);
  if (text.includes(".")) throw invalid("custom token ID cannot have a '.' in the value");
  if (!/^[\x21-\x7e]+$/.test(text) || text.length > MAX_TEXT) throw invalid(`custom token ID must be at most ${MAX_TEXT} printable characters without spaces`);
}

/** `ttl` is 0 for a root token that nobody gave an end. */
function timesFor({ input, role, type, parent, mount }: Creation, policies: readonly string[]): { readonly ttl: number; readonly explicitMaxTtl: number; readonly period: number; readonly warnings: readonly string[] } {
  const lesser = { warnings: [] as string[] };
  const merged = (name: string, asked: number, ofRole: number | undefined): number => {
    if (!ofRole || type === "batch") return asked;
    const least = asked === 0 ? ofRole : Math.min(asked, ofRole);
    if (asked > 0) lesser.warnings.push(`${name} specified both during creation call and in role; using the lesser value of ${least} seconds`);
    return least;
  };
  const explicitMaxTtl = merged("Explicit max TTL", input.explicit_max_ttl, role?.tokenExplicitMaxTtl);
  const period = merged("Period", input.period, role?.tokenPeriod);
  const asked = input.ttl || input.lease;
  if (policies.includes("root") && asked === 0 && period === 0) {
    if (explicitMaxTtl === 0 && parent.ttl !== 0) throw invalid("expiring root tokens cannot create non-expiring root tokens");
    return { ttl: explicitMaxTtl, explicitMaxTtl, period, warnings: lesser.warnings };
  }
  const { ttl, warnings } = clipTtl(asked, { period, explicitMaxTtl, age: 0 }, { defaultTtl: mount.defaultLeaseTtlSeconds, maxTtl: mount.maxLeaseTtlSeconds });
  return { ttl, explicitMaxTtl, period, warnings: [...lesser.warnings, ...warnings] };
}

/** 0 is without limit, and so the most. */
function usesFor(asked: number, role: TokenRole | undefined): number {
  const limits = [asked, role?.tokenNumUses ?? 0].filter((uses) => uses > 0);
  return limits.length === 0 ? 0 : Math.min(...limits);
}

/** A child must not get around the networks that its parent is bound to; a role may let it. */
function boundCidrs(role: TokenRole | undefined, isOrphan: boolean, parent: TokenEntry): readonly string[] {
  if (role) return role.tokenBoundCidrs;
  return isOrphan ? [] : parent.boundCidrs;
}

function displayName(asked: string): string {
  return asked === "" ? "token" : `token-${asked}`.replace(/[^a-zA-Z0-9-]/g, "-").replace(/-$/, "");
}
