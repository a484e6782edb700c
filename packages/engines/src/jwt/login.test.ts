import assert from "node:assert/strict";
import { test } from "node:test";
import { signingKey, tlsServer } from "../web-tokens/testing.js";
import { jwtService, refuses } from "./testing.js";

test("a login gives a token with the role's policies, the user's name and the mapped claims", async (t) => {
  const { request, store, key, claims, login, role, issuer } = await jwtService();
  t.after(() => issuer.close());
  await role("mapped", { token_policies: "dev", token_ttl: "15m", claim_mappings: { email: "mail", "/org/unit": "unit", missing: "none" }, groups_claim: "/realm/roles" });
  const index = store.index();
  const { status, body } = await login(await key.sign(claims({ email: "ann@example.org", org: { unit: "ops" }, realm: { roles: ["a", "", "b"] } })), "mapped");
  assert.equal(store.index(), index + 1, "token, entity and alias are one entry");
  assert.equal(status, 200, JSON.stringify(body));
  const { client_token: token, ...auth } = body["auth"];
  assert.deepEqual([auth.policies, auth.metadata, auth.lease_duration, auth.renewable, auth.orphan], [["default", "dev"], { mail: "ann@example.org", role: "mapped", unit: "ops" }, 900, true, true]);
  const { data } = (await request("GET", "auth/token/lookup-self", undefined, { token })).body;
  assert.deepEqual([data.display_name, data.path], ["jwt-ann", "auth/jwt/login"]);
});

test("policies are templates of the claims, where the role says so", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const { key, claims, login, role, request } = service;
  const templates = ["ci_{{.project}}", '{{if eq .branch "main"}}deploy_{{.project | uppercase}}{{end}}', "run-{{.run}}", "plain"];
  await role("ci", { token_policies: templates, token_policies_template_claims: true });
  assert.equal((await request("GET", "auth/jwt/role/ci")).body["data"].token_policies_template_claims, true);
  const policies = async (more: Record<string, unknown>) => (await login(await key.sign(claims(more)), "ci")).body["auth"].policies as string[];
  assert.deepEqual(await policies({ project: "a", branch: "main", run: 12 }), ["ci_a", "default", "deploy_a", "plain", "run-12"]);
  assert.deepEqual(await policies({ project: "a,root", branch: "dev", run: 1 }), ["ci_a,root", "default", "plain", "run-1"]);
  for (const more of [{ project: "a", branch: "main" }, { project: ["a"], branch: "main", run: 1 }, { project: null, branch: "main", run: 1 }]) {
    await refuses(service, async () => login(await key.sign(claims(more)), "ci"), /^failed to template policy \[\d\]: there is no "(run|project)"$/);
  }
  await refuses(service, async () => login(await key.sign(claims({ project: 5, branch: "main", run: 1 })), "ci"), "failed to template policy [1]: wrong type of argument 1 of uppercase");
  await role("own", { token_policies: ["{{.sub}}"], token_policies_template_claims: true });
  await refuses(service, async () => login(await key.sign(claims({ sub: "Root" })), "own"), "auth methods cannot create root tokens");
  // What every object has is no claim.
  await role("odd", { token_policies: ["x{{.constructor}}", "y{{.toString}}"], token_policies_template_claims: true });
  await refuses(service, async () => login(await key.sign(claims()), "odd"), /there is no "constructor"/);
  // Without it a template is the name of a policy.
  await role("ci", { token_policies_template_claims: false });
  assert.deepEqual((await login(await key.sign(claims()), "ci")).body["auth"].policies.length, 5);
  for (const [i, bad] of ["{{.project", "{{.a.b}}", "{{nope .a}}", "{{truncate .a}}", "{{range .a}}x{{end}}"].entries()) {
    const { status, body } = await request("POST", "auth/jwt/role/ci", { role_type: "jwt", token_policies: ["ok", bad], token_policies_template_claims: true });
    assert.equal(status, 400, `${i}`);
    assert.match(body.errors![0]!, /^failed to parse template policy \[1\]: /);
  }
});

test("what does not fit the configuration or the role is refused as Vault does", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const { request, key, claims, login, role, seconds } = service;
  const text = "error validating token: invalid ";
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ aud: "other" }, `${text}audience (aud) claim: audience claim does not match any expected audience`],
    [{ aud: undefined }, `${text}audience (aud) claim: audience claim does not match any expected audience`],
    [{ iss: "https://other.example" }, `${text}issuer (iss) claim`],
    [{ iss: undefined }, `${text}issuer (iss) claim`],
    [{ exp: seconds() - 61 }, `${text}expiration time (exp) claim: token is expired`],
    [{ nbf: seconds() + 61 }, `${text}not before (nbf) claim: token not yet valid`],
    [{ iat: seconds() + 61, nbf: seconds() }, `${text}issued at (iat) claim: token issued in the future`],
    [{ iat: undefined, exp: undefined }, "error validating token: no issued at (iat), not before (nbf), or expiration time (exp) claims in token"],
  ];
  for (const [more, message] of cases) await refuses(service, async () => login(await key.sign(claims(more))), message);
  const good = await key.sign(claims());
  await refuses(service, () => login(good, "none"), 'role "none" could not be found');
  await refuses(service, () => login(good, ""), "missing role");
  await role("subject", { bound_subject: "bob" });
  await refuses(service, () => login(good, "subject"), `${text}subject (sub) claim`);
  await role("here", { token_bound_cidrs: "10.0.0.0/8" });
  await refuses(service, () => login(good, "here"), "permission denied", 403);
  assert.equal((await request("POST", "auth/jwt/role/unbound", { role_type: "jwt", user_claim: "sub", bound_audiences: "", bound_subject: "ann" })).status, 204);
  await refuses(service, () => login(good, "unbound"), "audience claim found in JWT but no audiences bound to the role");
  assert.equal((await login(await key.sign(claims({ aud: undefined })), "unbound")).status, 200);
  await request("POST", "auth/jwt/role/browser", { user_claim: "sub", allowed_redirect_uris: "http://localhost:8250/oidc/callback" });
  await refuses(service, () => login(good, "browser"), "role with oidc role_type is not allowed");
});

test("bound claims are compared as text, as one of several, as numbers and truth values, and as globs", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const { key, claims, login, role } = service;
  await role("exact", { bound_claims: { project: ["a", "b"], level: 3, "/deep/flag": true } });
  const fitting = { project: "b", level: 3, deep: { flag: true } };
  assert.equal((await login(await key.sign(claims(fitting)), "exact")).status, 200);
  assert.equal((await login(await key.sign(claims({ ...fitting, project: ["x", "a"] })), "exact")).status, 200);
  for (const [change, name] of [[{ project: "c" }, "project"], [{ level: 4 }, "level"], [{ level: "3" }, "level"], [{ deep: { flag: false } }, "/deep/flag"]] as const) {
    await refuses(service, async () => login(await key.sign(claims({ ...fitting, ...change })), "exact"), `error validating claims: claim "${name}" does not match any associated bound claim values`);
  }
  await refuses(service, async () => login(await key.sign(claims({ project: "a", level: 3 })), "exact"), 'error validating claims: claim "/deep/flag" is missing');
  await refuses(service, async () => login(await key.sign(claims({ ...fitting, project: { a: 1 } })), "exact"), "error validating claims: received claim is not a string, bool, int or list");
  // A role as for a CI's tokens.
  await role("ci", { user_claim: "repository", bound_claims_type: "glob", bound_claims: '{\n"repository"="mycompany/*",\n"ref"="refs/heads/main"\n}' });
  assert.deepEqual((await service.request("GET", "auth/jwt/role/ci")).body["data"].bound_claims, { repository: "mycompany/*", ref: "refs/heads/main" });
  assert.equal((await login(await key.sign(claims({ repository: "mycompany/app", ref: "refs/heads/main" })), "ci")).status, 200);
  await refuses(service, async () => login(await key.sign(claims({ repository: "evil/mycompany/app", ref: "refs/heads/main" })), "ci"), /"repository" does not match/);
  await refuses(service, async () => login(await key.sign(claims({ repository: "mycompany/app", ref: "refs/heads/main2" })), "ci"), /"ref" does not match/);
});

test("leeways: defaults for 0, none for -1, and what is given", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const { key, claims, login, role, seconds } = service;
  await role("strict", { clock_skew_leeway: -1, expiration_leeway: -1 });
  await role("loose", { clock_skew_leeway: 300, expiration_leeway: "10m" });
  const expired = await key.sign(claims({ exp: seconds() - 30 }));
  assert.equal((await login(expired)).status, 200);
  await refuses(service, () => login(expired, "strict"), /token is expired/);
  const older = await key.sign(claims({ iat: seconds() - 300, exp: undefined }));
  await refuses(service, () => login(older), /token is expired/);
  await refuses(service, () => login(older, "strict"), /token is expired/);
  assert.equal((await login(older, "loose")).status, 200);
});

test("a new key is fetched when a token names it, and strangers cannot make us ask without end", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const { key, issuer, claims, login, clock } = service;
  const fetches = () => issuer.asked.filter((one) => one === "GET /keys").length;
  assert.equal((await login(await key.sign(claims()))).status, 200);
  const before = fetches();
  const next = await signingKey("two");
  issuer.keys = [key, next];
  clock.advance(10);
  assert.equal((await login(await next.sign(claims()))).status, 200);
  assert.equal((await login(await key.sign(claims()))).status, 200);
  assert.equal(fetches(), before + 1);
  for (let i = 0; i < 20; i++) await refuses(service, async () => login(await key.sign(claims(), { kid: `made-up-${i}` })), /failed to verify id token signature/);
  assert.equal(fetches(), before + 1, "not within the pause");
  clock.advance(6);
  await Promise.all(Array.from({ length: 10 }, async () => login(await key.sign(claims(), { kid: "again" }))));
  assert.equal(fetches(), before + 2, "those who wait, wait for one");
  issuer.keys = [next];
  clock.advance(601);
  await refuses(service, async () => login(await key.sign(claims())), /failed to verify id token signature/);
});

test("the same key without a name in the token is found among several", async (t) => {
  const { key, issuer, claims, login, clock } = await jwtService();
  t.after(() => issuer.close());
  const second = await signingKey("two");
  issuer.keys = [key, second];
  clock.advance(10);
  assert.equal((await login(await second.sign(claims(), { kid: undefined }))).status, 200);
});

test("an issuer that cannot be reached is told, and nothing is written", async () => {
  const service = await jwtService();
  const { key, claims, login, clock, issuer } = service;
  issuer.close();
  clock.advance(700);
  await refuses(service, async () => login(await key.sign(claims())), /^error validating token: error verifying token signature: fetching keys oidc: get keys failed: GET http:\/\/127\.0\.0\.1:\d+\/keys: .*(ECONNREFUSED|socket hang up)/);
});

test("several key sets: any of them, each with its own authority", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const { request, issuer, key, claims, login } = service;
  const other = await signingKey("tls");
  const server = await tlsServer(() => ({ json: { keys: [other.jwk] } }));
  t.after(() => server.close());
  const plainPair = { jwks_url: `${issuer.url}/keys` };
  const untrusted = await request("POST", "auth/jwt/config", { jwks_pairs: [plainPair, { jwks_url: server.url }] });
  assert.equal(untrusted.status, 400);
  assert.match(untrusted.body.errors![0]!, /^error checking jwks URL: .*certificate/);
  assert.equal((await request("POST", "auth/jwt/config", { jwks_pairs: [plainPair, { jwks_url: server.url, jwks_ca_pem: server.ca }] })).status, 204);
  assert.equal((await login(await key.sign(claims()))).status, 200);
  assert.equal((await login(await other.sign(claims()))).status, 200);
  await refuses(service, async () => login(await (await signingKey("x")).sign(claims())), /failed to verify id token signature/);
});

test("a server's certificate is for its host, or for one of the names that the configuration allows", async (t) => {
  const service = await jwtService();
  t.after(() => service.issuer.close());
  const { request, claims, login } = service;
  const key = await signingKey("tls");
  const server = await tlsServer(() => ({ json: { keys: [key.jwk] } }));
  t.after(() => server.close());
  const configure = (more: Readonly<Record<string, unknown>>) => request("POST", "auth/jwt/config", { jwks_url: server.url.replace("127.0.0.1", "localhost"), jwks_ca_pem: server.ca, ...more });
  for (const names of [[], ["other.example"]]) assert.match((await configure({ override_allowed_server_names: names })).body.errors![0]!, /error checking jwks URL: .*does not match certificate/);
  assert.equal((await configure({ override_allowed_server_names: "other.example,127.0.0.1" })).status, 204);
  assert.equal((await login(await key.sign(claims()))).status, 200);
  assert.equal((await configure({ override_allowed_server_names: "127.0.0.1", jwks_ca_pem: "" })).status, 400, "the authority counts as before");
});

test("a token is renewed as the role says by now, and not without it", async (t) => {
  const { request, key, issuer, claims, login, role, clock } = await jwtService();
  t.after(() => issuer.close());
  await role("dev", { token_ttl: "10m" });
  const token = (await login(await key.sign(claims()))).body["auth"].client_token as string;
  await role("dev", { token_ttl: "20m" });
  clock.advance(60);
  assert.equal((await request("POST", "auth/token/renew-self", {}, { token })).body["auth"].lease_duration, 1200);
  await request("DELETE", "auth/jwt/role/dev");
  assert.deepEqual((await request("POST", "auth/token/renew-self", {}, { token })).body.errors, ["role dev does not exist during renewal"]);
});
