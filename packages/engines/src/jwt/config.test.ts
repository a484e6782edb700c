import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import { plainServer, signingKey } from "../web-tokens/testing.js";
import { groupSplitter } from "./provider-config.js";

async function service() {
  const harness = await createHarness();
  await harness.mount("auth/jwt", "jwt");
  const { pem, jwk } = await signingKey("one");
  const issuer = await plainServer(({ url }) => (url === "/keys" ? { json: { keys: [jwk] } } : url?.startsWith("/wrong") ? { json: { issuer: "https://other.example", jwks_uri: "x" } } : { status: 404, text: "no" }));
  const refused = async (path: string, body: Readonly<Record<string, unknown>>) => {
    const before = harness.store.index();
    const answer = await harness.request("POST", path, body);
    assert.equal(answer.status, 400, answer.text);
    assert.equal(harness.store.index(), before, "nothing is written");
    return answer.body.errors![0]!;
  };
  return { ...harness, pem, issuer, refused };
}

test("the configuration is replaced by each write, and shown without the client secret", async (t) => {
  const { request, pem, issuer } = await service();
  t.after(() => issuer.close());
  assert.equal((await request("GET", "auth/jwt/config")).status, 404);
  assert.equal((await request("POST", "auth/jwt/config", { jwt_validation_pubkeys: pem, bound_issuer: "me", default_role: "Dev", jwt_supported_algs: "ES256,RS256" })).status, 204);
  const empty = {
    bound_issuer: "", default_role: "", jwks_ca_pem: "", jwks_pairs: [], jwks_url: "", jwt_supported_algs: [], jwt_validation_pubkeys: [], namespace_in_state: true, oidc_client_id: "",
    oidc_discovery_ca_pem: "", oidc_discovery_url: "", oidc_response_mode: "", oidc_response_types: [], override_allowed_server_names: [], provider_config: {},
  };
  assert.deepEqual((await request("GET", "auth/jwt/config")).body["data"], { ...empty, bound_issuer: "me", default_role: "dev", jwt_supported_algs: ["ES256", "RS256"], jwt_validation_pubkeys: [pem.trim()] });
  assert.equal((await request("POST", "auth/jwt/config", { jwks_url: `${issuer.url}/keys`, namespace_in_state: false })).status, 204);
  assert.equal((await request("POST", "auth/jwt/config", { jwks_url: `${issuer.url}/keys` })).status, 204);
  assert.deepEqual((await request("GET", "auth/jwt/config")).body["data"], { ...empty, jwks_url: `${issuer.url}/keys`, namespace_in_state: false });
});

test("bad configurations are refused as Vault does, and nothing is written", async (t) => {
  const { pem, issuer, refused } = await service();
  t.after(() => issuer.close());
  const url = `${issuer.url}/keys`;
  const one = "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs' or 'oidc_discovery_url' must be set";
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, string | RegExp])[] = [
    [{}, one],
    [{ jwks_url: url, jwt_validation_pubkeys: pem }, one],
    [{ jwt_validation_pubkeys: ["x"] }, "error parsing public key: data does not contain any valid public keys"],
    [{ jwks_url: "http://127.0.0.1:1/" }, /^error checking jwks URL: /],
    [{ jwks_url: `${issuer.url}/none` }, /^error checking jwks URL: .*status 404/],
    [{ jwks_url: "file:///etc/passwd" }, 'error checking jwks URL: unsupported protocol scheme "file:"'],
    [{ jwks_url: "no url" }, /^error checking jwks URL: /],
    [{ jwks_url: url, jwks_ca_pem: "x" }, "error checking jwks_ca_pem"],
    [{ jwks_pairs: "x" }, "'jwks_pairs' must be a list of maps with 'jwks_url' and 'jwks_ca_pem'"],
    [{ jwks_pairs: [{ url }] }, "'jwks_pairs' must be a list of maps with 'jwks_url' and 'jwks_ca_pem'"],
    [{ oidc_discovery_url: `${issuer.url}/wrong` }, `error checking oidc discovery URL: issuer did not match the returned issuer, expected "${issuer.url}/wrong" got "https://other.example"`],
    [{ oidc_discovery_url: `${issuer.url}/.well-known/openid-configuration` }, "'oidc_discovery_url' contains '.well-known' component"],
    [{ oidc_discovery_url: issuer.url }, `error checking oidc discovery URL: ${issuer.url}/.well-known/openid-configuration: status 404`],
    [{ jwks_url: url, jwt_supported_algs: "HS256" }, 'invalid jwt_supported_algs: unsupported signing algorithm "HS256"'],
    [{ jwks_url: url, jwt_supported_algs: "none" }, 'invalid jwt_supported_algs: unsupported signing algorithm "none"'],
    [{ jwks_url: url, oidc_client_id: "a" }, "both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC"],
    [{ jwks_url: url, oidc_client_id: "a", oidc_client_secret: "b" }, "'oidc_discovery_url' must be set for OIDC"],
    [{ jwks_url: url, provider_config: { a: 1 } }, "invalid provider_config: 'provider' field not found in provider_config"],
    [{ jwks_url: url, provider_config: { provider: "x" } }, 'invalid provider_config: provider "x" not found in custom providers'],
    [{ jwks_url: url, oidc_response_mode: "x" }, 'invalid response_mode: "x"'],
    [{ jwks_url: url, oidc_response_types: "x" }, "invalid response_types [x]. 'code' and 'id_token' are allowed"],
    [{ jwks_url: { a: 1 } }, /error converting input for field "jwks_url"/],
  ];
  for (const [body, message] of cases) {
    const got = await refused("auth/jwt/config", body);
    if (typeof message === "string") assert.equal(got, message);
    else assert.match(got, message);
  }
});

test("a private key in place of a public one is refused, and not stored", async (t) => {
  const { issuer, refused } = await service();
  t.after(() => issuer.close());
  const pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----";
  assert.equal(await refused("auth/jwt/config", { jwt_validation_pubkeys: pem }), "error parsing public key: data does not contain any valid public keys");
});

test("a role has Vault's fields and defaults, keeps what is not given, and is listed and deleted", async (t) => {
  const { request, issuer } = await service();
  t.after(() => issuer.close());
  assert.equal((await request("LIST", "auth/jwt/role")).status, 404);
  assert.equal((await request("POST", "auth/jwt/role/Dev", { role_type: "jwt", user_claim: "sub", bound_audiences: "a,b", policies: "p", ttl: "1h" })).status, 204);
  const { data } = (await request("GET", "auth/jwt/role/dev")).body;
  assert.deepEqual(data, {
    allowed_redirect_uris: null, bound_audiences: ["a", "b"], bound_claims: null, bound_claims_type: "string", bound_subject: "", claim_mappings: null, clock_skew_leeway: 0, expiration_leeway: 0, groups_claim: "",
    max_age: 0, not_before_leeway: 0, oauth2_metadata: null, oidc_scopes: null, policies: ["p"], role_type: "jwt", token_bound_cidrs: [], token_explicit_max_ttl: 0, token_max_ttl: 0, token_no_default_policy: false, token_num_uses: 0,
    token_period: 0, token_policies: ["p"], alias_metadata: {}, token_strictly_bind_ip: false, token_ttl: 3600, token_type: "default", ttl: 3600, user_claim: "sub", user_claim_json_pointer: false, verbose_oidc_logging: false, callback_mode: "client", poll_interval: 0, oidc_disable_confirmation: false, token_policies_template_claims: false,
  });
  assert.equal((await request("POST", "auth/jwt/role/dev", { role_type: "jwt", max_age: "1m" })).status, 204);
  assert.deepEqual((await request("GET", "auth/jwt/role/dev")).body["data"], { ...data, max_age: 60 });
  assert.deepEqual((await request("LIST", "auth/jwt/role")).body["data"], { keys: ["dev"] });
  assert.equal((await request("DELETE", "auth/jwt/role/DEV")).status, 204);
  assert.equal((await request("GET", "auth/jwt/role/dev")).status, 404);
});

test("bad roles are refused as Vault does, and nothing is written", async (t) => {
  const { issuer, refused } = await service();
  t.after(() => issuer.close());
  const good = { role_type: "jwt", user_claim: "sub", bound_subject: "ann" };
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, string | RegExp])[] = [
    [{}, "a user claim must be defined on the role"],
    [{ role_type: "x", user_claim: "sub" }, "invalid 'role_type': x"],
    [{ user_claim: "sub" }, "'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified."],
    [{ role_type: "jwt", user_claim: "sub" }, "must have at least one bound constraint when creating/updating a role"],
    [{ ...good, bound_claims_type: "x" }, "invalid 'bound_claims_type': x"],
    [{ ...good, bound_claims_type: "glob", bound_claims: { a: 1 } }, "claim is not a string: 1"],
    [{ ...good, bound_claims_type: "glob", bound_claims: { a: { b: 1 } } }, 'claim is not a string or list: {"b":1}'],
    [{ ...good, bound_claims: "x" }, /error converting input for field "bound_claims"/],
    [{ ...good, claim_mappings: { a: "role" } }, 'metadata key "role" is reserved and may not be a mapping destination'],
    [{ ...good, claim_mappings: { a: "x", b: "x" } }, 'multiple keys are mapped to metadata key "x"'],
    [{ ...good, token_ttl: "2h", token_max_ttl: "1h" }, "'token_ttl' cannot be greater than 'token_max_ttl'"],
    [{ ...good, token_period: "10000h" }, /^'period' of '36000000s' is greater than the backend's maximum lease TTL/],
    [{ ...good, max_age: "x" }, /error converting input for field "max_age"/],
  ];
  for (const [body, message] of cases) {
    const got = await refused("auth/jwt/role/bad", body);
    if (typeof message === "string") assert.equal(got, message);
    else assert.match(got, message);
  }
});

test("secureauth and ibmisam write groups into one string", async (t) => {
  const { request, pem, issuer } = await service();
  t.after(() => issuer.close());
  for (const [provider, text, groups] of [["secureauth", "a,b c", ["a", "b c"]], ["ibmisam", "a,b c", ["a,b", "c"]], ["", "a,b c", "a,b c"]] as const) {
    const provider_config = provider === "" ? {} : { provider };
    assert.equal((await request("POST", "auth/jwt/config", { jwt_validation_pubkeys: pem, provider_config })).status, 204);
    const { data } = (await request("GET", "auth/jwt/config")).body;
    assert.deepEqual(groupSplitter(data)(text), groups);
  }
});

test("with skip_jwks_validation a configuration is taken whose keys cannot be fetched yet, with a warning", async (t) => {
  const { issuer, request } = await service();
  t.after(() => issuer.close());
  const config = { jwks_url: "http://127.0.0.1:1/keys" };
  assert.equal((await request("POST", "auth/jwt/config", config)).status, 400);
  const { status, body } = await request("POST", "auth/jwt/config", { ...config, skip_jwks_validation: true });
  assert.equal(status, 200);
  assert.match(body.warnings![0]!, /error checking jwks URL/);
  const shown = (await request("GET", "auth/jwt/config")).body["data"];
  assert.deepEqual([shown.jwks_url, shown.skip_jwks_validation], [config.jwks_url, undefined]);
  assert.equal((await request("POST", "auth/jwt/config", { ...config, jwks_ca_pem: "x", skip_jwks_validation: true })).status, 400);
});
