import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { decodeJwt } from "jose";
import { service } from "../testing/oidc-service.js";

interface Seen {
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** A server that answers as the providers' APIs do. */
async function api(t: TestContext, answer: (seen: Seen) => unknown): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
      const one = { url: new URL(request.url!, "http://api"), authorization: request.headers.authorization, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      const body = answer(one);
      response.writeHead(body === undefined ? 403 : 200, { "content-type": "application/json" }).end(JSON.stringify(body ?? { error: "no" }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** The external groups that a login puts somebody into. */
async function groupsOf({ request }: Awaited<ReturnType<typeof service>>, names: readonly string[], entity: string): Promise<string[]> {
  const inside: string[] = [];
  for (const name of names) {
    const { member_entity_ids: members } = (await request("GET", `identity/group/name/${name.replace("@", "-")}`)).body["data"];
    if ((members ?? []).includes(entity)) inside.push(name);
  }
  return inside;
}

async function externalGroups({ request }: Awaited<ReturnType<typeof service>>, names: readonly string[]): Promise<void> {
  const accessor = (await request("GET", "sys/auth")).body["data"]["oidc/"].accessor;
  for (const name of names) {
    const { id } = (await request("POST", "identity/group", { name: name.replace("@", "-"), type: "external" })).body["data"];
    await request("POST", "identity/group-alias", { name, mount_accessor: accessor, canonical_id: id });
  }
}

test("azure: groups that are too many for the token are asked for where the token says they are", async (t) => {
  const graph = await api(t, ({ url }) => (url.pathname === "/v1.0/users/1/getMemberObjects" ? { value: ["id-1", "id-2"] } : undefined));
  const claims = { _claim_names: { groups: "src1" }, _claim_sources: { src1: { endpoint: `${graph.url}/v1.0/users/1/getMemberObjects` } } };
  const it = await service(t, { claimsOf: () => claims });
  const { request, config, visited, end } = it;
  await externalGroups(it, ["id-1", "id-2", "id-3"]);
  await request("POST", "auth/oidc/config", { ...config, provider_config: { provider: "azure" } });
  const { status, body, text } = await end(await visited());
  assert.equal(status, 200, text);
  assert.deepEqual(await groupsOf(it, ["id-1", "id-2", "id-3"], body["auth"].entity_id), ["id-1", "id-2"]);
  const [seen] = graph.seen;
  assert.match(seen!.authorization!, /^Bearer \S+$/);
  assert.deepEqual(JSON.parse(seen!.body), { securityEnabledOnly: false });
});

test("azure: where the groups cannot be had there is no login", async (t) => {
  const graph = await api(t, () => undefined);
  let claims: Record<string, unknown> = {};
  const { request, config, visited, end } = await service(t, { claimsOf: () => claims });
  await request("POST", "auth/oidc/config", { ...config, provider_config: { provider: "azure" } });
  for (const [next, why] of [
    [{}, /unable to locate groups claim "groups" in _claim_names/],
    [{ _claim_names: { groups: "s" } }, /no endpoint/],
    [{ _claim_names: { groups: 7 } }, /_claim_names/],
    [{ _claim_names: { groups: "s" }, _claim_sources: { s: { endpoint: "nonsense" } } }, /no endpoint/],
    [{ _claim_names: { groups: "s" }, _claim_sources: { s: { endpoint: `${graph.url}/x` } } }, /failed to get groups: status 403/],
  ] as const) {
    claims = next;
    const { status, body } = await end(await visited());
    assert.equal(status, 400, JSON.stringify(next));
    assert.match(body.errors![0]!, why);
  }
});

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

test("gsuite: groups, and groups of groups, and custom schemas come from the Directory API, by the service account", async (t) => {
  const members: Record<string, string[]> = { ann: ["a@x", "b@x"], "a@x": ["c@x"], "b@x": ["a@x"], "c@x": ["d@x"] };
  const google = await api(t, ({ url, body }) => {
    if (url.pathname === "/token") return new URLSearchParams(body).get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer" ? { access_token: "g-token", expires_in: 3600 } : undefined;
    if (url.pathname === "/admin/directory/v1/users/ann") return { customSchemas: { Preferences: { shirt_size: "medium" }, sub: "root" } };
    const groups = members[url.searchParams.get("userKey")!] ?? [];
    const page = Number(url.searchParams.get("pageToken") ?? 0);
    return { groups: groups.slice(page, page + 1).map((email) => ({ email })), ...(page + 1 < groups.length && { nextPageToken: String(page + 1) }) };
  });
  const it = await service(t, { claimsOf: () => ({}) });
  const { request, config, role, visited, end } = it;
  const all = ["a@x", "b@x", "c@x", "d@x"];
  await externalGroups(it, all);
  const account = JSON.stringify({ type: "service_account", client_email: "svc@p.iam.gserviceaccount.com", private_key: privateKey.export({ type: "pkcs8", format: "pem" }), token_uri: `${google.url}/token` });
  const provider_config = { provider: "gsuite", gsuite_service_account: account, gsuite_admin_impersonate: "admin@x", fetch_groups: true, fetch_user_info: true, user_custom_schemas: "Preferences", groups_recurse_max_depth: 1, domain: "x", gsuite_api_url: google.url };
  assert.equal((await request("POST", "auth/oidc/config", { ...config, provider_config })).status, 204);
  const { gsuite_service_account: hidden, ...shown } = (await request("GET", "auth/oidc/config")).body["data"].provider_config;
  assert.deepEqual([hidden, shown.domain], [undefined, "x"]);
  await role({ claim_mappings: { "/Preferences/shirt_size": "size" } });
  const first = await end(await visited());
  assert.equal(first.status, 200, first.text);
  assert.equal(first.body["auth"].metadata.size, "medium");
  assert.deepEqual(await groupsOf(it, all, first.body["auth"].entity_id), ["a@x", "b@x", "c@x"]);
  await end(await visited());
  const tokens = google.seen.filter(({ url }) => url.pathname === "/token");
  assert.equal(tokens.length, 1, "the access token is kept");
  const { iss, sub, aud, scope } = decodeJwt(new URLSearchParams(tokens[0]!.body).get("assertion")!);
  assert.deepEqual([iss, sub, aud], ["svc@p.iam.gserviceaccount.com", "admin@x", `${google.url}/token`]);
  assert.match(String(scope), /admin\.directory\.group\.readonly/);
  const asked = google.seen.filter(({ url }) => url.pathname.endsWith("/groups"));
  assert.ok(asked.every(({ url, authorization }) => url.searchParams.get("domain") === "x" && authorization === "Bearer g-token"));
});

test("gsuite: what its configuration must be, and what does not answer", async (t) => {
  const google = await api(t, () => undefined);
  const { request, config, visited, end } = await service(t);
  const account = { client_email: "svc@p", private_key: privateKey.export({ type: "pkcs8", format: "pem" }), token_uri: `${google.url}/token` };
  const write = async (provider_config: Record<string, unknown>) => (await request("POST", "auth/oidc/config", { ...config, provider_config })).status;
  const good = { provider: "gsuite", gsuite_service_account: JSON.stringify(account), fetch_groups: "true" };
  for (const wrong of [{ gsuite_service_account: "/etc/passwd" }, { gsuite_service_account: "{}" }, { fetch_groups: "perhaps" }, { groups_recurse_max_depth: -1 }, { groups_recurse_max_depth: "x" }, { impersonate_principal: "x/../y@z" }, { gsuite_api_url: "x" }, { domain: 7 }]) {
    assert.equal(await write({ ...good, ...wrong }), 400, JSON.stringify(wrong));
  }
  assert.equal(await write(good), 204);
  const { status, body } = await end(await visited());
  assert.deepEqual([status, /unable to get an access token of Google's/.test(body.errors![0]!)], [400, true]);
  assert.equal(await write({ ...good, gsuite_service_account: JSON.stringify({ ...account, private_key: "x" }) }), 204);
  assert.match((await end(await visited())).body.errors![0]!, /PKCS #8/);
});

/** Sets variables of the environment for one test. */
function environment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
  }
}

/** Google as its machines see it: the metadata server, the APIs of IAM credentials and of tokens, and the Directory API. */
const googleCloud = (t: TestContext) =>
  api(t, ({ url, body, authorization }) => {
    if (url.pathname === "/computeMetadata/v1/instance/service-accounts/default/token") return { access_token: "machine", expires_in: 3599, token_type: "Bearer" };
    if (url.pathname.startsWith("/v1/projects/-/serviceAccounts/") && authorization !== "Bearer machine") return undefined;
    if (url.pathname.endsWith(":signJwt")) return { keyId: "1", signedJwt: `signed.${Buffer.from((JSON.parse(body) as { payload: string }).payload).toString("base64url")}.by-google` };
    if (url.pathname.endsWith(":generateAccessToken")) return { accessToken: "principal", expireTime: new Date(Date.now() + 3_600_000).toISOString() };
    if (url.pathname === "/token") return { access_token: "by-assertion", expires_in: 3599, token_type: "Bearer" };
    return { groups: [{ email: `${authorization!.slice(7)}@x` }] };
  });

for (const [what, more, token, paths] of [
  ["as they are", {}, "machine", ["token"]],
  ["for another service account", { impersonate_principal: "groups@p.iam.gserviceaccount.com" }, "principal", ["token", "groups%40p.iam.gserviceaccount.com:generateAccessToken"]],
  ["for an administrator, by another service account", { impersonate_principal: "groups@p.iam.gserviceaccount.com", gsuite_admin_impersonate: "admin@x" }, "by-assertion", ["token", "groups%40p.iam.gserviceaccount.com:signJwt", "token"]],
] as const) {
  test(`gsuite: the default credentials of a machine, ${what}`, async (t) => {
    const google = await googleCloud(t);
    environment(t, { GCE_METADATA_HOST: new URL(google.url).host, GOOGLE_APPLICATION_CREDENTIALS: "" });
    const it = await service(t, { claimsOf: () => ({}) });
    await externalGroups(it, [`${token}@x`]);
    assert.equal((await it.request("POST", "auth/oidc/config", { ...it.config, provider_config: { provider: "gsuite", fetch_groups: true, gsuite_api_url: google.url, ...more } })).status, 204);
    const { status, body, text } = await it.end(await it.visited());
    assert.equal(status, 200, text);
    assert.deepEqual(await groupsOf(it, [`${token}@x`], body["auth"].entity_id), [`${token}@x`]);
    const asked = google.seen.map(({ url }) => url.pathname.split("/").at(-1)!);
    assert.deepEqual(asked, [...paths, "groups"]);
    const scopes = google.seen[0]!.url.searchParams.get("scopes")!;
    assert.match(scopes, "impersonate_principal" in more ? /^https:\/\/www\.googleapis\.com\/auth\/cloud-platform$/ : /admin\.directory\.group\.readonly/);
    if (token !== "by-assertion") return;
    const form = new URLSearchParams(google.seen[2]!.body);
    assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    const { iss, sub, aud, scope } = decodeJwt(form.get("assertion")!.replace(/^signed\./, "e30."));
    assert.deepEqual([iss, sub, aud], ["groups@p.iam.gserviceaccount.com", "admin@x", "https://oauth2.googleapis.com/token"]);
    assert.match(String(scope), /admin\.directory\.user\.readonly/);
  });
}

test("gsuite: the default credentials of a key file, and none", async (t) => {
  const google = await googleCloud(t);
  const folder = mkdtempSync(join(tmpdir(), "coffer-google-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "key.json");
  writeFileSync(file, JSON.stringify({ type: "service_account", client_email: "svc@p.iam.gserviceaccount.com", private_key: privateKey.export({ type: "pkcs8", format: "pem" }), token_uri: `${google.url}/token` }));
  environment(t, { GOOGLE_APPLICATION_CREDENTIALS: file, GCE_METADATA_HOST: "127.0.0.1:1" });
  const it = await service(t, { claimsOf: () => ({}) });
  const configure = () => it.request("POST", "auth/oidc/config", { ...it.config, provider_config: { provider: "gsuite", fetch_groups: true, gsuite_api_url: google.url } });
  await configure();
  assert.equal((await it.end(await it.visited())).status, 200);
  assert.equal(decodeJwt(new URLSearchParams(google.seen[0]!.body).get("assertion")!).iss, "svc@p.iam.gserviceaccount.com");
  for (const [path, words] of [[join(folder, "none"), /no key file of a service account/], ["", /ECONNREFUSED/]] as const) {
    process.env["GOOGLE_APPLICATION_CREDENTIALS"] = path;
    // What was granted before is kept with the configuration that it was granted for.
    await configure();
    const { status, body } = await it.end(await it.visited());
    assert.equal(status, 400);
    assert.match(body.errors![0]!, words);
  }
});
