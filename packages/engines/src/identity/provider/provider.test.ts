import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ISSUER, parsed, prepared, PROVIDER } from "./testing.js";
import type { Values } from "./testing.js";

const half = (text: string, algorithm = "sha256") => {
  const sum = createHash(algorithm).update(text).digest();
  return sum.subarray(0, sum.length / 2).toString("base64url");
};

test("a user logs in to a client: code, tokens, claims", async () => {
  const { authorize, redeem, verified, userInfo, entityId, id, now } = await prepared();
  const { status, body } = await authorize({ nonce: "once", max_age: "60" });
  assert.deepEqual([status, body["state"], Object.keys(body).sort()], [200, "here", ["code", "state"]]);
  const answer = await redeem(body["code"] as string);
  assert.deepEqual([answer.status, answer.contentType, answer.headers["Cache-Control"], answer.headers["Pragma"]], [200, "application/json", "no-store", "no-cache"]);
  const { access_token: access, id_token, ...rest } = parsed(answer) as Values;
  assert.deepEqual(rest, { token_type: "Bearer", expires_in: 86_400 });
  assert.deepEqual(await verified(id_token!), {
    iss: ISSUER, sub: entityId, aud: id, iat: now(), exp: now() + 86_400, namespace: "root", nonce: "once", auth_time: now(),
    at_hash: half(access!), c_hash: half(body["code"] as string), name: "bob", mail: "bob@example.org", groups: ["staff"],
  });
  const info = await userInfo(access!);
  assert.deepEqual([info.status, parsed(info)], [200, { sub: entityId, name: "bob", mail: "bob@example.org", groups: ["staff"] }]);
});

test("ID tokens of every algorithm hold, and so do the hashes in them", async () => {
  for (const [algorithm, hash] of [["RS256", "sha256"], ["RS384", "sha384"], ["RS512", "sha512"], ["ES256", "sha256"], ["ES384", "sha384"], ["ES512", "sha512"], ["EdDSA", "sha512"]] as const) {
    const { codeFor, redeem, verified } = await prepared({ key: { algorithm } });
    const code = await codeFor();
    const { access_token, id_token } = parsed(await redeem(code)) as Values;
    const { at_hash, c_hash } = await verified(id_token!);
    assert.deepEqual([at_hash, c_hash], [half(access_token!, hash), half(code, hash)]);
  }
});

test("the configuration says where everything is, and the keys are those of the clients that are allowed", async () => {
  const { request, id } = await prepared();
  const read = (path: string) => request("GET", path, undefined, { token: "" });
  const { body } = await read(`${PROVIDER}/.well-known/openid-configuration`);
  assert.deepEqual(body, {
    issuer: ISSUER, jwks_uri: `${ISSUER}/.well-known/keys`, authorization_endpoint: `${ISSUER.replace("/v1/", "/ui/vault/")}/authorize`,
    token_endpoint: `${ISSUER}/token`, userinfo_endpoint: `${ISSUER}/userinfo`, request_parameter_supported: false, request_uri_parameter_supported: false,
    id_token_signing_alg_values_supported: ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"], response_types_supported: ["code"],
    scopes_supported: ["groups", "profile", "openid"], claims_supported: [], subject_types_supported: ["public"], grant_types_supported: ["authorization_code"],
    token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"], code_challenge_methods_supported: ["plain", "S256"],
  });
  await request("POST", "identity/oidc/key/other", { algorithm: "EdDSA", allowed_client_ids: "*" });
  const algorithms = async (provider: string) => (await read(`identity/oidc/provider/${provider}/.well-known/keys`)).body["keys"].map(({ alg }: Values) => alg);
  assert.deepEqual(await algorithms("apps"), ["ES256", "ES256"]);
  await request("POST", "identity/oidc/client/second", { key: "other" });
  assert.deepEqual([await algorithms("apps"), await algorithms("default")], [["ES256", "ES256"], ["ES256", "ES256", "EdDSA", "EdDSA"]]);
  await request("POST", PROVIDER, { allowed_client_ids: [] });
  assert.deepEqual(await algorithms("apps"), []);
  assert.equal((await read("identity/oidc/provider/nope/.well-known/keys")).status, 404);
  assert.equal((await read("identity/oidc/provider/nope/.well-known/openid-configuration")).status, 404);
  assert.ok(id.length === 32);
});
