import { fitsGlob } from "../web-tokens/glob.js";
import { TokenRefused } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import type { JwtRole } from "./storage.js";

/** A claim by its name, or by a JSON pointer (RFC 6901) where the name begins with `/`. */
export function claimAt(claims: Claims, name: string): unknown {
  const value = name.startsWith("/") ? pointed(claims, name) : own(claims, name);
  if (name === "aud" && typeof value === "string") return [value];
  return typeof value === "number" ? Math.trunc(value) : (value ?? undefined);
}

function own(value: unknown, key: string): unknown {
  return value !== null && typeof value === "object" && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

function pointed(claims: Claims, pointer: string): unknown {
  const keys = pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return keys.reduce(own, claims as unknown);
}

/** One value, or several. Undefined for what is neither text, number, truth value nor a list. */
export function valuesOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  return typeof value === "string" || typeof value === "boolean" || typeof value === "number" ? [value] : undefined;
}

/** Throws TokenRefused unless every bound claim is there, with one of its values. */
export function checkBoundClaims({ bound_claims, bound_claims_type }: JwtRole, claims: Claims): void {
  for (const [name, bound] of Object.entries(bound_claims ?? {})) {
    const claim = claimAt(claims, name);
    if (claim === undefined) throw new TokenRefused(`error validating claims: claim ${JSON.stringify(name)} is missing`);
    const actual = valuesOf(claim);
    if (!actual) throw new TokenRefused("error validating claims: received claim is not a string, bool, int or list");
    const wanted = valuesOf(bound);
    if (!wanted) throw new TokenRefused("error validating claims: bound claim is not a string, bool, int or list");
    const fits = (one: unknown) => wanted.some((value) => (bound_claims_type === "glob" ? typeof value === "string" && typeof one === "string" && fitsGlob(value, one) : value === one));
    if (!actual.some(fits)) throw new TokenRefused(`error validating claims: claim ${JSON.stringify(name)} does not match any associated bound claim values`);
  }
}

/** Who a token speaks of. */
export interface Identity {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
}

/** Throws TokenRefused where a claim that the role names is missing or of the wrong type. */
export function identityOf(roleName: string, role: JwtRole, claims: Claims, splitGroups: (value: unknown) => unknown): Identity {
  const { user_claim: claim } = role;
  const name = role.user_claim_json_pointer ? claimAt(claims, claim) : own(claims, claim);
  if (name === undefined || name === null) throw new TokenRefused(`claim ${JSON.stringify(claim)} not found in token`);
  if (typeof name !== "string") throw new TokenRefused(`claim ${JSON.stringify(claim)} could not be converted to string`);
  if (name === "") throw new TokenRefused(`claim ${JSON.stringify(claim)} is empty`);
  return { name, metadata: { ...metadataOf(role, claims), role: roleName }, groups: groupsOf(role, claims, splitGroups) };
}

function metadataOf({ claim_mappings }: JwtRole, claims: Claims): Readonly<Record<string, string>> {
  const metadata: Record<string, string> = {};
  for (const [source, target] of Object.entries(claim_mappings ?? {})) {
    const value = claimAt(claims, source);
    if (value === undefined) continue;
    if (typeof value !== "string") throw new TokenRefused(`error converting claim '${source}' to string`);
    metadata[target] = value;
  }
  return metadata;
}

function groupsOf({ groups_claim: claim }: JwtRole, claims: Claims, splitGroups: (value: unknown) => unknown): readonly string[] {
  if (claim === "") return [];
  const value = splitGroups(claimAt(claims, claim));
  if (value === undefined) throw new TokenRefused(`failed to fetch groups: ${JSON.stringify(claim)} claim not found in token`);
  const groups = valuesOf(value);
  if (!groups) throw new TokenRefused(`${JSON.stringify(claim)} claim could not be converted to string list`);
  return groups.map((group) => {
    if (typeof group !== "string") throw new TokenRefused(`value ${JSON.stringify(group)} in groups claim could not be parsed as string`);
    return group;
  }).filter((group) => group !== "");
}
