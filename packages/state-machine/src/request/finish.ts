import { invalid } from "../errors.js";
import { refusal } from "../framework/index.js";
import type { AuthGrant, Environment, EnvelopeResponse, Mount, Refusal, WireAuth } from "../framework/index.js";
import type { WriteStorage } from "../framework/storage.js";
import { effectivePolicies, entityOfLogin, identityOf } from "../identity/index.js";
import { admitLogin, parseMfaHeader } from "../mfa/index.js";
import type { Candidate } from "../mfa/index.js";
import { registerLease } from "../leases/lease.js";
import { pathOfPlace } from "../mounts/index.js";
import { hasLeaseCounts } from "../quotas/index.js";
import { clipTtl, createBatchToken, createToken } from "../tokens/index.js";
import type { TokenEntry, TtlLimits } from "../tokens/index.js";
import { envelopeText } from "./envelope.js";
import type { Sealed } from "./envelope.js";
import { wrapResponse } from "./wrapping.js";

interface Finishing {
  /** Scoped to `core/`. */
  readonly storage: WriteStorage;
  readonly response: EnvelopeResponse;
  readonly warnings: readonly string[];
  readonly mount: Mount<unknown>;
  readonly path: string;
  readonly token: TokenEntry | undefined;
  readonly wrapTtlSeconds: number;
  readonly requestId: string;
  /** With X-Vault-MFA of the request. */
  readonly mfa: Omit<Candidate, "entityId"> & { readonly header: string | undefined };
  /** Of a login, for the quotas of roles. Asked for only when something is counted, or may be when its second factor comes. */
  readonly loginRole: () => string;
  readonly env: Environment;
}

/** Turns what a handler grants (a login, a leased secret, a wrapped answer) into tokens and leases of the same write set. */
export function finishResponse({ storage, response, warnings, mount, path, token, wrapTtlSeconds, requestId, mfa: { header, ...who }, loginRole, env }: Finishing): Sealed | Refusal {
  const limits: TtlLimits = { defaultTtl: mount.defaultLeaseTtlSeconds, maxTtl: mount.maxLeaseTtlSeconds };
  const all = [...(response.warnings ?? []), ...warnings];
  let auth: WireAuth | null = response.auth ?? null;
  let lease = response.lease;
  if (response.grant) {
    const place: Omit<LoginPlace, "loginRole"> = { mountUuid: mount.entry.uuid, mountTokenType: mount.entry.config.token_type, path, limits, entityId: entityOfLogin(storage, mount.entry, response.grant, env)?.id ?? "" };
    const admission = admitLogin(storage, { grant: response.grant, loginRole, ...place }, mount.entry, { credentials: parseMfaHeader(header), ...who }, env);
    if (admission.kind === "refused") return refusal(admission.error);
    const login = admission.kind === "pending" ? admission : tokenFor(storage, response.grant, { loginRole: hasLeaseCounts(storage) ? loginRole() : "", ...place }, env);
    auth = login.auth;
    all.push(...login.warnings);
  }
  if (auth) auth = withIdentity(storage, auth);
  if (response.secret) {
    if (!token) throw invalid("a leased secret needs a token to belong to");
    const { entry: made, warnings: capped } = registerLease(storage, path, mount.entry.uuid, token, response.secret, limits, env);
    lease = { id: pathOfPlace(storage, made.place), renewable: made.renewable, durationSeconds: made.ttl };
    all.push(...capped);
  }
  const sealed: Sealed = { response, auth, lease, wrapInfo: null, warnings: all, mountType: mount.entry.type };
  if (wrapTtlSeconds === 0 || (response.data === null && !auth && !lease)) return sealed;
  const wrapInfo = wrapResponse(storage, { text: envelopeText(requestId, { ...sealed, response: { ...response, dual: false } }), path, ttl: wrapTtlSeconds, wrappedAccessor: auth?.accessor ?? "" }, env);
  return { ...sealed, wrapInfo };
}

/** Where a login came in. */
export interface LoginPlace {
  readonly mountUuid: string;
  /** What the mount is tuned to. */
  readonly mountTokenType: string | undefined;
  readonly path: string;
  /** Of the mount. */
  readonly limits: TtlLimits;
  /** Empty: the login has no entity. */
  readonly entityId: string;
  /** As the quotas of roles name it; absent: none. */
  readonly loginRole?: string;
}

export function tokenFor(storage: WriteStorage, grant: AuthGrant, { mountUuid, mountTokenType, path, limits, entityId, loginRole = "" }: LoginPlace, env: Environment): { readonly auth: WireAuth; readonly warnings: readonly string[] } {
  const max = grant.maxTtlSeconds && grant.maxTtlSeconds > 0 ? Math.min(grant.maxTtlSeconds, limits.maxTtl) : limits.maxTtl;
  const { ttl, warnings } = clipTtl(grant.ttlSeconds ?? 0, { period: grant.periodSeconds ?? 0, explicitMaxTtl: grant.explicitMaxTtlSeconds ?? 0, age: 0 }, { ...limits, maxTtl: max });
  const policies = [...new Set([...(grant.noDefaultPolicy ? [] : ["default"]), ...grant.policies.map((name) => name.toLowerCase())])].sort();
  if (policies.includes("root")) throw invalid("auth methods cannot create root tokens");
  const common = {
    parent: "",
    policies,
    path,
    meta: grant.metadata ?? null,
    displayName: grant.displayName,
    ttl,
    entityId,
    role: "",
    boundCidrs: grant.boundCidrs ?? [],
    mountUuid,
  };
  if (tokenTypeOf(grant, mountTokenType) === "batch") {
    const made = createBatchToken(storage, common, env);
    return { auth: wireAuth(made.text, made.entry), warnings };
  }
  const { text, entry: token } = createToken(
    storage,
    {
      numUses: grant.numUses ?? 0,
      explicitMaxTtl: grant.explicitMaxTtlSeconds ?? 0,
      maxTtl: grant.maxTtlSeconds ?? 0,
      period: grant.periodSeconds ?? 0,
      renewable: grant.renewable,
      internalData: grant.internalData ?? {},
      loginRole,
      // Last: V8 takes a microsecond for each member that is new after a spread which begins an object.
      ...common,
    },
    env,
  );
  return { auth: wireAuth(text, token), warnings };
}

/** The mount may insist, or only say what is given where the method does not. */
function tokenTypeOf({ tokenType = "default" }: AuthGrant, ofMount: string | undefined): TokenEntry["type"] {
  if (ofMount === "service" || ofMount === "batch") return ofMount;
  if (tokenType !== "default") return tokenType;
  return ofMount === "default-batch" ? "batch" : "service";
}

export function wireAuth(text: string, token: TokenEntry): WireAuth {
  return {
    client_token: text,
    accessor: token.accessor,
    policies: token.policies,
    ...(token.policies.length > 0 && { token_policies: token.policies }),
    metadata: token.meta,
    lease_duration: token.ttl,
    renewable: token.renewable,
    entity_id: token.entityId,
    token_type: token.type,
    orphan: token.parent === "",
    mfa_requirement: null,
    num_uses: Math.max(0, token.numUses),
  };
}

/** Whoever gets a token is told what its entity adds to it. */
function withIdentity(storage: WriteStorage, auth: WireAuth): WireAuth {
  const identity = auth.entity_id === "" ? undefined : identityOf(storage, auth.entity_id);
  if (!identity || identity.policies.length === 0) return auth;
  return { ...auth, policies: effectivePolicies(auth.token_policies ?? [], identity), identity_policies: identity.policies };
}
