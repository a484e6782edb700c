import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdentityHarness } from "../testing.js";

const O = "identity/oidc";

test("what is there from the start can be read, listed and named, and not be removed", async () => {
  const { request } = await createIdentityHarness();
  const read = async (path: string) => (await request("GET", `${O}/${path}`)).body["data"] as unknown;
  assert.deepEqual(await read("assignment/allow_all"), { entity_ids: ["*"], group_ids: ["*"] });
  assert.deepEqual(await read("provider/default"), { allowed_client_ids: ["*"], issuer: "https://vault.test:8200/v1/identity/oidc/provider/default", scopes_supported: [] });
  assert.deepEqual((await request("LIST", `${O}/assignment`)).body["data"].keys, ["allow_all"]);
  assert.deepEqual((await request("LIST", `${O}/provider`)).body["data"].keys, ["default"]);
  for (const path of ["client", "scope"]) assert.equal((await request("LIST", `${O}/${path}`)).status, 404);
  const refusal = async (method: "POST" | "DELETE", path: string) => (await request(method, `${O}/${path}`, method === "POST" ? {} : undefined)).body.errors?.[0];
  assert.equal(await refusal("DELETE", "assignment/allow_all"), 'deletion of assignment "allow_all" not allowed');
  assert.equal(await refusal("POST", "assignment/allow_all"), 'modification of assignment "allow_all" not allowed');
  assert.equal(await refusal("DELETE", "provider/default"), 'deletion of OIDC provider "default" not allowed');
  assert.equal(await refusal("POST", "scope/openid"), 'the "openid" scope name is reserved');
  assert.equal((await request("POST", `${O}/provider/default`, { allowed_client_ids: "a" })).status, 204);
  assert.deepEqual((await request("GET", `${O}/provider/default`)).body["data"].allowed_client_ids, ["a"]);
});

test("a client is made with its id and secret, changes, and goes with both", async () => {
  const { request, store } = await createIdentityHarness();
  assert.equal((await request("POST", `${O}/client/web`, { redirect_uris: ["https://a.test", "https://a.test"], assignments: "allow_all" })).status, 204);
  const { client_id, client_secret, ...rest } = (await request("GET", `${O}/client/web`)).body["data"] as Record<string, string>;
  assert.match(client_id!, /^[A-Za-z0-9]{32}$/);
  assert.match(client_secret!, /^hvo_secret_[A-Za-z0-9]{64}$/);
  assert.deepEqual(rest, { access_token_ttl: 86_400, assignments: ["allow_all"], client_type: "confidential", id_token_ttl: 86_400, key: "default", redirect_uris: ["https://a.test"] });
  assert.equal((await request("POST", `${O}/client/web`, { id_token_ttl: "1h", access_token_ttl: 60, key: "default", client_type: "confidential" })).status, 204);
  const listed = (await request("LIST", `${O}/client`)).body["data"];
  assert.deepEqual(listed.key_info.web, { ...rest, client_id, id_token_ttl: 3600, access_token_ttl: 60 });
  assert.deepEqual((await request("GET", `${O}/client/web`)).body["data"].client_secret, client_secret);
  await request("DELETE", `${O}/client/web`);
  assert.equal((await request("DELETE", `${O}/client/web`)).status, 204);
  assert.deepEqual((await store.evaluate((tx) => tx.scoped("core/").keys("identity/oidc/client"))).value, []);
});

test("providers are listed by the client that they allow", async () => {
  const { request } = await createIdentityHarness();
  await request("POST", `${O}/scope/s`, { template: "" });
  assert.equal((await request("POST", `${O}/provider/p`, { allowed_client_ids: "a,b,a", scopes_supported: "s,s" })).status, 204);
  await request("POST", `${O}/provider/default`, { allowed_client_ids: "c" });
  const listed = async (id: string) => (await request("LIST", `${O}/provider`, undefined, { query: { allowed_client_id: id } })).body["data"]?.keys as unknown;
  assert.deepEqual([await listed(""), await listed("b"), await listed("z")], [["default", "p"], ["p"], undefined]);
  const set = await request("POST", `${O}/provider/p`, { issuer: "https://id.test" });
  assert.deepEqual([set.status, set.body.warnings?.length], [200, 1]);
  assert.deepEqual((await request("GET", `${O}/provider/p`)).body["data"], { allowed_client_ids: ["a", "b"], issuer: "https://id.test/v1/identity/oidc/provider/p", scopes_supported: ["s"] });
});

test("what names nothing, or would break what is named, is refused, and nothing is written", async () => {
  const { request } = await createIdentityHarness();
  const refused = async (path: string, body?: Record<string, unknown>) => {
    const { status, body: answer } = body ? await request("POST", `${O}/${path}`, body) : await request("DELETE", `${O}/${path}`);
    assert.equal(status, 400, path);
    return answer.errors![0]!;
  };
  assert.equal(await refused("client/c", { assignments: "none" }), 'assignment "none" does not exist');
  assert.equal(await refused("client/c", { key: "none" }), 'key "none" does not exist');
  assert.equal(await refused("client/c", { client_type: "secret" }), 'invalid client_type "secret"');
  assert.match(await refused("client/c", { id_token_ttl: "25h" }), /^a client's id_token_ttl cannot be greater/);
  assert.match(await refused("client/c", { access_token_ttl: "soon" }), /access_token_ttl/);
  assert.equal((await request("GET", `${O}/client/c`)).status, 404);
  assert.equal(await refused("provider/p", { scopes_supported: "none" }), 'scope "none" does not exist');
  for (const issuer of ["vault.test", "https://vault.test/path", "ftp://vault.test"]) assert.match(await refused("provider/p", { issuer }), /^invalid issuer/);
  assert.equal((await request("GET", `${O}/provider/p`)).status, 404);
  assert.match(await refused("scope/s", { template: "{" }), /error parsing template JSON/);
  assert.match(await refused("scope/s", { template: '{"sub": "x"}' }), /^top level key "sub" not allowed/);
  await request("POST", `${O}/key/k`, { algorithm: "ES256", allowed_client_ids: "*" });
  await request("POST", `${O}/assignment/a`, { entity_ids: ["ABC", "abc"] });
  assert.deepEqual((await request("GET", `${O}/assignment/a`)).body["data"], { entity_ids: ["abc"], group_ids: [] });
  await request("POST", `${O}/scope/s`, { template: '{"name": "x"}', description: "d" });
  await request("POST", `${O}/scope/t`, { template: Buffer.from('{"name": "y"}').toString("base64") });
  assert.deepEqual((await request("GET", `${O}/scope/t`)).body["data"], { description: "", template: '{"name": "y"}' });
  await request("POST", `${O}/client/c`, { key: "k", assignments: "a" });
  const conflicting = await request("POST", `${O}/provider/p`, { scopes_supported: "s,t" });
  assert.match(conflicting.body.warnings![0]!, /conflict "name" in scopes "t", "s"/);
  assert.equal(await refused("client/c", { key: "default" }), "key modification is not allowed");
  assert.equal(await refused("client/c", { client_type: "public" }), "client_type modification is not allowed");
  assert.match(await refused("assignment/a"), /currently referenced by these clients: c$/);
  assert.match(await refused("scope/s"), /currently referenced by these providers: p$/);
  assert.match(await refused("key/k"), /currently referenced by these clients: c$/);
  assert.match(await refused("key/k", { verification_ttl: "1h" }), /clients with an id_token_ttl greater than 3600 seconds$/);
  await request("DELETE", `${O}/client/c`);
  await request("DELETE", `${O}/provider/p`);
  for (const path of ["assignment/a", "scope/s", "key/k"]) {
    assert.equal((await request("DELETE", `${O}/${path}`)).status, 204);
    assert.equal((await request("GET", `${O}/${path}`)).status, 404);
  }
});
