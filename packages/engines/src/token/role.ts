import { invalid, jsonCodec, normalizedCidr } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";

/** Lets its callers create tokens that they could not create themselves, within its bounds. Seconds. */
export interface TokenRole {
  readonly name: string;
  readonly allowedPolicies: readonly string[];
  readonly disallowedPolicies: readonly string[];
  readonly allowedPoliciesGlob: readonly string[];
  readonly disallowedPoliciesGlob: readonly string[];
  readonly orphan: boolean;
  readonly renewable: boolean;
  readonly pathSuffix: string;
  readonly allowedEntityAliases: readonly string[];
  readonly tokenPeriod: number;
  readonly tokenExplicitMaxTtl: number;
  readonly tokenBoundCidrs: readonly string[];
  readonly tokenType: RoleTokenType;
  readonly tokenNumUses: number;
  readonly tokenNoDefaultPolicy: boolean;
  /** As given under their older names, which are shown as long as nobody uses the newer. */
  readonly period: number;
  readonly explicitMaxTtl: number;
  readonly boundCidrs: readonly string[];
}

export const ROLE_TOKEN_TYPES = ["service", "batch", "default-service", "default-batch"] as const;
export type RoleTokenType = (typeof ROLE_TOKEN_TYPES)[number];

const codec = jsonCodec<TokenRole>();
/** Below `core/`. Names are told apart by case, as in Vault. */
export const ROLES = "token/role/";

export function getRole(storage: ReadStorage, name: string): TokenRole | undefined {
  return storage.get(ROLES + name, codec);
}

/** Throws RequestError 400 for what does not go together. */
export function putRole(storage: WriteStorage, role: TokenRole): void {
  checkRole(role);
  storage.put(ROLES + role.name, codec, role);
}

export function deleteRole(storage: WriteStorage, name: string): void {
  storage.delete(ROLES + name);
}

export function emptyRole(name: string): TokenRole {
  return {
    name, allowedPolicies: [], disallowedPolicies: [], allowedPoliciesGlob: [], disallowedPoliciesGlob: [], orphan: false, renewable: true, pathSuffix: "", allowedEntityAliases: [],
    tokenPeriod: 0, tokenExplicitMaxTtl: 0, tokenBoundCidrs: [], tokenType: "default-service", tokenNumUses: 0, tokenNoDefaultPolicy: false, period: 0, explicitMaxTtl: 0, boundCidrs: [],
  };
}

/** It becomes part of paths. */
const PATH_SUFFIX = /^\w[\w\-./]+\w$/;

function checkRole(role: TokenRole): void {
  if (role.pathSuffix !== "" && !PATH_SUFFIX.test(role.pathSuffix)) throw invalid("given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w");
  if (role.pathSuffix.includes("..")) throw invalid("error registering path suffix: path cannot contain parent references");
  if (role.tokenNumUses < 0) throw invalid("error parsing role fields: 'token_num_uses' cannot be negative");
  const strange = role.tokenBoundCidrs.find((cidr) => normalizedCidr(cidr) === undefined);
  if (strange !== undefined) throw invalid(`error parsing role fields: error parsing address "${strange}": Unable to convert "${strange}" to an IPv4 or IPv6 address, or a UNIX Socket`);
  if (role.tokenType !== "batch") return;
  const barred = "'token_type' cannot be 'batch' when role is set to generate";
  if (!role.orphan) throw invalid(`${barred} non-orphan tokens`);
  if (role.tokenPeriod > 0) throw invalid(`${barred} periodic tokens`);
  if (role.renewable) throw invalid(`${barred} renewable tokens`);
  if (role.tokenExplicitMaxTtl > 0) throw invalid(`${barred} tokens with an explicit max TTL`);
}
