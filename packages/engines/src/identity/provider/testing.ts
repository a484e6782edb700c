import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import type { JSONWebKeySet } from "jose";
import type { Answer, RawAnswer } from "../../testing/harness.js";
import { createIdentityHarness } from "../testing.js";

export const ISSUER = "https://vault.test:8200/v1/identity/oidc/provider/apps";
export const PROVIDER = "identity/oidc/provider/apps";
export const BACK = "https://app.test/back";
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

export type Values = Readonly<Record<string, string>>;

/** A provider "apps" with the client "web", to which bob may log in. */
export async function prepared({ client = {}, key = {} }: { readonly client?: Readonly<Record<string, unknown>>; readonly key?: Readonly<Record<string, unknown>> } = {}) {
  const harness = await createIdentityHarness();
  const { request, exchange, login, clock, made } = harness;
  await request("POST", "sys/policies/acl/people", { policy: 'path "identity/oidc/provider/+/authorize" { capabilities = ["read", "update"] }\npath "identity/oidc/provider/+/userinfo" { capabilities = ["read"] }' });
  const { client_token: token, entity_id } = (await login("bob")).body["auth"];
  const entityId = entity_id as string;
  await request("POST", `identity/entity/id/${entityId}`, { name: "bob", policies: ["people"], metadata: { mail: "bob@example.org" } });
  const group = await made("identity/group", { name: "staff", member_entity_ids: [entityId] });
  const done = async (path: string, body: Readonly<Record<string, unknown>>) => assert.ok((await request("POST", path, body)).status < 300, path);
  await done("identity/oidc/key/k", { algorithm: "ES256", allowed_client_ids: "*", ...key });
  await done("identity/oidc/assignment/staff", { group_ids: group["id"] });
  await done("identity/oidc/scope/profile", { template: '{"name": {{identity.entity.name}}, "mail": {{identity.entity.metadata.mail}}}', description: "Who it is" });
  await done("identity/oidc/scope/groups", { template: '{"groups": {{identity.entity.groups.names}}}' });
  await done("identity/oidc/client/web", { key: "k", redirect_uris: BACK, assignments: "staff", ...client });
  const { client_id: id, client_secret: secret } = (await request("GET", "identity/oidc/client/web")).body["data"] as Values;
  await done(PROVIDER, { allowed_client_ids: id, scopes_supported: "profile,groups" });
  const asked: Values = { client_id: id!, redirect_uri: BACK, response_type: "code", scope: "openid profile groups", state: "here" };
  const authorize = (more: Values = {}, by = token as string, path = PROVIDER) => request("POST", `${path}/authorize`, { ...asked, ...more }, { token: by });
  const codeFor = async (more: Values = {}) => (await authorize(more)).body["code"] as string;
  const basic = (user = id!, password = secret ?? "") => ({ authorization: `Basic ${Buffer.from(`${encodeURIComponent(user).replaceAll("_", "%5F")}:${encodeURIComponent(password).replaceAll("_", "%5F")}`).toString("base64")}` });
  const redeem = (code: string, more: Values = {}, headers: Values = basic(), path = PROVIDER): Promise<RawAnswer> =>
    exchange("POST", `${path}/token`, new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: BACK, ...more }).toString(), { token: "", headers, contentType: "application/x-www-form-urlencoded" });
  const userInfo = (by: string, path = PROVIDER) => exchange("GET", `${path}/userinfo`, undefined, { token: by });
  const verified = async (jwt: string) =>
    (await jwtVerify(jwt, createLocalJWKSet((await request("GET", `${PROVIDER}/.well-known/keys`, undefined, { token: "" })).body as unknown as JSONWebKeySet), { issuer: ISSUER, audience: id!, currentDate: new Date(clock.now()) })).payload;
  return { ...harness, token: token as string, entityId, id: id!, secret: secret!, authorize, codeFor, redeem, userInfo, verified, basic, groupId: group["id"] as string, now: () => Math.floor(clock.now() / 1000) };
}

export const parsed = ({ bytes }: RawAnswer) => JSON.parse(bytes.toString()) as Record<string, unknown>;
export const refusal = ({ status, body }: Answer) => [status, body["error"], body["error_description"]];
export const refused = (answer: RawAnswer) => [answer.status, parsed(answer)["error"], parsed(answer)["error_description"]];
