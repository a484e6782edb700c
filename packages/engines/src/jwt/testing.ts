import assert from "node:assert/strict";
import { createHarness } from "../testing/harness.js";
import type { Answer } from "../testing/harness.js";
import { plainServer, signingKey } from "../web-tokens/testing.js";
import type { LoopbackServer, SigningKey } from "../web-tokens/testing.js";

/** A service with `auth/jwt/`, and an issuer whose keys a test changes. */
export async function jwtService({ source = "jwks", alg }: { readonly source?: "jwks" | "keys" | "discovery"; readonly alg?: string } = {}) {
  const harness = await createHarness();
  const key = await signingKey("one", alg);
  const issuer = await issuerWith([key]);
  await harness.mount("auth/jwt", "jwt");
  const keys = { jwks: { jwks_url: `${issuer.url}/keys`, bound_issuer: issuer.url }, discovery: { oidc_discovery_url: issuer.url, bound_issuer: issuer.url }, keys: { jwt_validation_pubkeys: [key.pem], bound_issuer: issuer.url } }[source];
  const { status, text } = await harness.request("POST", "auth/jwt/config", keys);
  assert.equal(status, 204, text);
  const role = async (name: string, body: Readonly<Record<string, unknown>>) => {
    const answer = await harness.request("POST", `auth/jwt/role/${name}`, { role_type: "jwt", user_claim: "sub", bound_audiences: "coffer", ...body });
    assert.equal(answer.status, 204, answer.text);
  };
  await role("dev", { token_policies: "dev" });
  const seconds = () => Math.floor(harness.clock.now() / 1000);
  /** Claims of ann, valid for a minute. */
  const claims = (more: Readonly<Record<string, unknown>> = {}) => ({ iss: issuer.url, sub: "ann", aud: "coffer", iat: seconds(), exp: seconds() + 60, ...more });
  const login = (jwt: unknown, name = "dev"): Promise<Answer> => harness.request("POST", "auth/jwt/login", { role: name, jwt } as Record<string, unknown>, { token: "" });
  return { ...harness, key, issuer, role, seconds, claims, login };
}

export interface Issuer extends LoopbackServer {
  keys: readonly SigningKey[];
}

async function issuerWith(keys: readonly SigningKey[]): Promise<Issuer> {
  const server = await plainServer(({ url }) => {
    if (url === "/keys") return { json: { keys: issuer.keys.map(({ jwk }) => jwk) } };
    if (url === "/.well-known/openid-configuration") return { json: { issuer: issuer.url, jwks_uri: `${issuer.url}/keys`, authorization_endpoint: `${issuer.url}/auth`, token_endpoint: `${issuer.url}/token` } };
    return { status: 404, json: {} };
  });
  const issuer: Issuer = { ...server, keys };
  return issuer;
}

/** Asserts that a login was refused with this text, and that nothing was written. */
export async function refuses({ store }: Awaited<ReturnType<typeof jwtService>>, attempt: () => Promise<Answer>, text: string | RegExp, status = 400): Promise<void> {
  const before = store.index();
  const { status: got, body } = await attempt();
  const message = body.errors?.join() ?? "";
  assert.equal(got, status, message);
  if (typeof text === "string") assert.equal(message, text);
  else assert.match(message, text);
  assert.equal(store.index(), before, "nothing is written");
}
