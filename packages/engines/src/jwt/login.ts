import { denied, grantFor, invalid, isWithin, loginDisplayName } from "@coffer/state-machine";
import type { LoginRenewal, Mount, ReadStorage, Response } from "@coffer/state-machine";
import type { Expected } from "../web-tokens/expected.js";
import type { Claims } from "../web-tokens/signature.js";
import { checkBoundClaims, identityOf } from "./claims.js";
import { policiesFor } from "./policy-templates.js";
import { askProvider, groupSplitter } from "./provider-config.js";
import { getRole } from "./storage.js";
import type { JwtConfig, JwtRole } from "./storage.js";

/** The role of a login, by the name that was given or the default one. Throws RequestError 400. */
export function roleOf(storage: ReadStorage, given: string, config: JwtConfig): { readonly name: string; readonly role: JwtRole } {
  const name = given === "" ? config.default_role : given;
  if (name === "") throw invalid("missing role");
  const role = getRole(storage, name);
  if (!role) throw invalid(`role ${JSON.stringify(name)} could not be found`);
  return { name, role };
}

/** Throws RequestError 403. */
export function checkAddress({ tokens }: JwtRole, remoteAddress: string): void {
  if (!isWithin(tokens.parameters.token_bound_cidrs, remoteAddress)) throw denied();
}

export function leewaysOf(role: JwtRole): Expected["leeways"] {
  return { clockSkew: role.clock_skew_leeway, expiration: role.expiration_leeway, notBefore: role.not_before_leeway };
}

interface Entering {
  readonly roleName: string;
  readonly role: JwtRole;
  readonly config: JwtConfig;
  /** Verified. */
  readonly claims: Claims;
  /** Of the user, at the provider; logins with a token at hand have none. */
  readonly accessToken?: string;
  /** More metadata of the token, and not of the alias. */
  readonly oauth2?: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
}

/** What the bearer of these claims gets. Throws TokenRefused where they do not fit the role. */
export async function enter({ roleName, role, config, claims: signed, accessToken, oauth2 = {}, remoteAddress }: Entering, mount: Mount): Promise<Response> {
  const { claims, groups: fetched } = await askProvider(config, role, signed, accessToken, mount.env.now());
  const { name, metadata, groups } = identityOf(roleName, role, claims, fetched === undefined ? groupSplitter(config) : () => fetched);
  checkBoundClaims(role, claims);
  const tokens = { ...role.tokens, parameters: { ...role.tokens.parameters, token_policies: policiesFor(role, claims, mount.env) } };
  const grant = grantFor(tokens, {
    displayName: loginDisplayName(mount, name),
    metadata: { ...metadata, ...oauth2 },
    alias: { name, metadata },
    groupAliases: groups,
    internalData: { role: roleName },
    remoteAddress,
  });
  return { kind: "envelope", data: null, grant };
}

/** A token is renewed as its role says by now. Throws RequestError 400 where the role is gone. */
export function renew(internalData: Readonly<Record<string, unknown>>, storage: ReadStorage): LoginRenewal {
  const name = String(internalData["role"]);
  const parameters = getRole(storage, name)?.tokens.parameters;
  if (!parameters) throw invalid(`role ${name} does not exist during renewal`);
  return { ttlSeconds: parameters.token_ttl, maxTtlSeconds: parameters.token_max_ttl, periodSeconds: parameters.token_period };
}
