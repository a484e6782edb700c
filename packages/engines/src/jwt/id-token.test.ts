import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import { plainServer, signingKey } from "../web-tokens/testing.js";

const REDIRECT = "http://localhost:8250/oidc/callback";
const SECRET = "the client's secret";

/** A provider that answers a code with whatever ID token and user info the test makes: a hostile or a broken one. */
test("a provider's ID token is judged as OpenID Connect wants it", async (t) => {
  const { request, mount, clock } = await createHarness();
  const key = await signingKey("op", "RS256");
  let answer: Readonly<Record<string, unknown>> = {};
  let info: Readonly<Record<string, unknown>> = {};
  const provider = await plainServer(({ url }) => {
    const at = (path: string) => `${provider.url}/${path}`;
    if (url === "/.well-known/openid-configuration") return { json: { issuer: provider.url, jwks_uri: at("keys"), authorization_endpoint: at("auth"), token_endpoint: at("token"), userinfo_endpoint: at("me") } };
    return { json: url === "/keys" ? { keys: [key.jwk] } : url === "/token" ? answer : info };
  });
  t.after(() => provider.close());
  await mount("auth/oidc", "oidc");
  assert.equal((await request("POST", "auth/oidc/config", { oidc_discovery_url: provider.url, oidc_client_id: "coffer", oidc_client_secret: SECRET })).status, 204);
  const role = { user_claim: "email", allowed_redirect_uris: REDIRECT, max_age: 60 };
  assert.equal((await request("POST", "auth/oidc/role/dev", role)).status, 204);
  const now = Math.floor(clock.now() / 1000);
  const attempt = async (change: Readonly<Record<string, unknown>>, make = (claims: Readonly<Record<string, unknown>>): Promise<string> | string => key.sign(claims), userInfo: Readonly<Record<string, unknown>> = {}) => {
    const { data } = (await request("POST", "auth/oidc/oidc/auth_url", { role: "dev", redirect_uri: REDIRECT })).body;
    const { nonce, state } = Object.fromEntries(new URL(data.auth_url as string).searchParams);
    answer = { access_token: "at", token_type: "Bearer", id_token: await make({ iss: provider.url, aud: "coffer", sub: "u1", email: "ann@example.org", iat: now, exp: now + 60, auth_time: now, nonce, ...change }) };
    info = userInfo;
    return request("GET", "auth/oidc/oidc/callback", undefined, { token: "", query: { state: state!, code: "c" } });
  };
  const refuses = async (reason: RegExp, ...parameters: Parameters<typeof attempt>) => {
    const { status, body } = await attempt(...parameters);
    assert.equal(status, 400, JSON.stringify(body));
    assert.match(body.errors![0]!, reason);
  };
  assert.equal((await attempt({})).body["auth"].metadata.role, "dev");
  await refuses(/invalid id_token nonce/, { nonce: "n_other" });
  await refuses(/invalid id_token nonce/, { nonce: undefined });
  await refuses(/invalid id_token nonce/, { nonce: ["n"] });
  await refuses(/the client id is not among them/, { aud: "other" });
  await refuses(/authorized party is not equal client_id/, { aud: ["coffer", "other"], azp: "other" });
  await refuses(/invalid issuer/, { iss: "https://other.example" });
  await refuses(/token is expired/, { iat: now - 600, exp: now - 300 });
  await refuses(/missing claim/, { exp: undefined });
  await refuses(/missing claim/, { sub: undefined });
  await refuses(/missing auth_time claim/, { auth_time: undefined });
  await refuses(/auth_time is beyond max age/, { auth_time: now - 200 });
  await refuses(/unexpected signature algorithm \\"HS256\\"/, {}, (claims) => {
    const signed = `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
  });
  await refuses(/failed to verify id token signature/, {}, async (claims) => (await signingKey("op", "RS256")).sign(claims));
  await refuses(/malformed jwt/, {}, () => "x");
  // What user info says of somebody else, or of what was signed, does not count.
  await refuses(/claim "email" not found in token/, { email: undefined }, undefined, { sub: "u2", email: "root@example.org" });
  const joined = await attempt({ email: undefined }, undefined, { sub: "u1", email: "ann@example.org", iss: "x" });
  assert.equal(joined.status, 200);
});
