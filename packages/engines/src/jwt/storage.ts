import { documentCodec, jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, RoleTokens, WriteStorage } from "@coffer/state-machine";
import type { Claims } from "../web-tokens/signature.js";

/**
 * What jwt stores below its mount:
 *
 *     config           where the keys are
 *     role/<name>      who may log in, and as what
 *     flow/<state>     a login by browser that has begun
 */
export interface JwtConfig {
  readonly oidc_discovery_url: string;
  readonly oidc_discovery_ca_pem: string;
  readonly oidc_client_id: string;
  readonly oidc_client_secret: string;
  readonly oidc_response_mode: "" | "query" | "form_post";
  readonly oidc_response_types: readonly string[];
  readonly jwks_url: string;
  readonly jwks_ca_pem: string;
  readonly jwks_pairs: readonly JwksPair[];
  readonly jwt_validation_pubkeys: readonly string[];
  readonly jwt_supported_algs: readonly string[];
  readonly bound_issuer: string;
  readonly default_role: string;
  readonly provider_config: Readonly<Record<string, unknown>>;
  readonly namespace_in_state: boolean;
  /** Absent in what an older version wrote: none. */
  readonly override_allowed_server_names?: readonly string[];
}

export interface JwksPair {
  readonly jwks_url: string;
  readonly jwks_ca_pem: string;
}

export interface JwtRole {
  readonly role_type: "jwt" | "oidc";
  readonly user_claim: string;
  readonly user_claim_json_pointer: boolean;
  readonly groups_claim: string;
  /** Null: never given. */
  readonly bound_audiences: readonly string[] | null;
  readonly bound_subject: string;
  readonly bound_claims_type: "string" | "glob";
  readonly bound_claims: Readonly<Record<string, unknown>> | null;
  readonly claim_mappings: Readonly<Record<string, string>> | null;
  /** Of the provider's tokens, which become metadata. */
  readonly oauth2_metadata: readonly string[] | null;
  readonly oidc_scopes: readonly string[] | null;
  readonly allowed_redirect_uris: readonly string[] | null;
  /** Seconds; see Leeways. */
  readonly expiration_leeway: number;
  readonly not_before_leeway: number;
  readonly clock_skew_leeway: number;
  readonly max_age: number;
  readonly verbose_oidc_logging: boolean;
  readonly callback_mode: CallbackMode;
  /** Seconds; 0: what the provider says, or 5. */
  readonly poll_interval: number;
  readonly oidc_disable_confirmation: boolean;
  readonly token_policies_template_claims: boolean;
  readonly tokens: RoleTokens;
}

/**
 * Where the provider sends the browser back to: to the client, which then ends the login; to the server (`direct`), or nowhere
 * (`device`, RFC 8628), where the client asks by oidc/poll whether the user is done.
 */
export type CallbackMode = "client" | "direct" | "device";

/** A login by browser, between its URL and its end. */
export interface Flow {
  readonly mode: CallbackMode;
  readonly role: string;
  readonly redirectUri: string;
  /** In the ID token (OpenID Connect Core, 3.1.2.1). */
  readonly nonce: string;
  /** Of PKCE (RFC 7636). */
  readonly codeVerifier: string;
  /** Who asked for the URL proves with it, at the callback, to be the same. Empty: did not give one. */
  readonly clientNonce: string;
  /** Of mode `device`. */
  readonly deviceCode: string;
  /** Who asked for the URL; shown to the user of mode `direct`, who is to confirm it. */
  readonly requester: string;
  /** What the provider had the browser post (form_post), until the client comes for it. */
  readonly posted?: { readonly code: string; readonly idToken: string };
  /** Mode `direct`: what came of the callback. */
  readonly done?: { readonly claims: Claims; readonly accessToken?: string; readonly oauth2?: Readonly<Record<string, string>> } | { readonly refused: string };
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export const ROLE_FOLDER = "role/";
export const FLOW_FOLDER = "flow/";
const configCodec = jsonCodec<JwtConfig>();
const roleCodec = documentCodec<JwtRole>();
const flowCodec = jsonCodec<Flow>();

export function getConfig(storage: ReadStorage): JwtConfig | undefined {
  return storage.get("config", configCodec);
}

export function putConfig(storage: WriteStorage, config: JwtConfig): void {
  storage.put("config", configCodec, config);
}

/** Of roles that were written before there were other modes. */
const CLIENT_MODE = { callback_mode: "client", poll_interval: 0, oidc_disable_confirmation: false, oauth2_metadata: null, token_policies_template_claims: false } as const;
const roleKey = (name: string): string => ROLE_FOLDER + name.toLowerCase();

export function getRole(storage: ReadStorage, name: string): JwtRole | undefined {
  const role = storage.get(roleKey(name), roleCodec);
  return role && { ...CLIENT_MODE, ...role };
}

export function putRole(storage: WriteStorage, name: string, role: JwtRole): void {
  storage.put(roleKey(name), roleCodec, role);
}

export function deleteRole(storage: WriteStorage, name: string): void {
  storage.delete(roleKey(name));
}

export function getFlow(storage: ReadStorage, state: string): Flow | undefined {
  return storage.get(FLOW_FOLDER + state, flowCodec);
}

export function putFlow(storage: WriteStorage, state: string, flow: Flow): void {
  storage.put(FLOW_FOLDER + state, flowCodec, flow);
}

export function deleteFlow(storage: WriteStorage, state: string): void {
  storage.delete(FLOW_FOLDER + state);
}
