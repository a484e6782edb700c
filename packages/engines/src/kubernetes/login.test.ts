import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";
import { signingKey, tlsServer } from "../web-tokens/testing.js";

/** A cluster's API on loopback, with TLS: it reviews tokens as the real one does, by what it has issued. */
async function cluster() {
  const key = await signingKey("cluster", "RS256");
  const reviewer = "reviewer-token";
  const issued = new Map<string, { readonly namespace: string; readonly name: string; readonly uid: string; readonly audiences: readonly string[] }>();
  const state = { answer: undefined as ((status: Record<string, unknown>) => Record<string, unknown>) | undefined, bearers: [] as string[], labels: { team: "web" } as Record<string, string>, annotations: undefined as Record<string, string> | undefined };
  const server = await tlsServer(({ url, headers }, body) => {
    const bearer = (headers.authorization ?? "").replace("Bearer ", "");
    state.bearers.push(bearer);
    const forbidden = { status: 403, json: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "Forbidden", code: 403 } };
    if (bearer !== reviewer && !issued.has(bearer)) return { status: 401, json: { ...forbidden.json, reason: "Unauthorized", code: 401 } };
    if (url === "/api/v1/namespaces/shop") return bearer === reviewer ? { json: { kind: "Namespace", apiVersion: "v1", metadata: { name: "shop", labels: state.labels } } } : forbidden;
    if (url === "/api/v1/namespaces/shop/serviceaccounts/app-sa") return bearer === reviewer ? { json: { kind: "ServiceAccount", apiVersion: "v1", metadata: { name: "app-sa", annotations: state.annotations } } } : forbidden;
    if (url !== "/apis/authentication.k8s.io/v1/tokenreviews") return { status: 404, json: { kind: "Status", status: "Failure", reason: "NotFound", code: 404 } };
    const review = JSON.parse(body) as { readonly apiVersion: string; readonly kind: string; readonly spec: { readonly token: string; readonly audiences?: readonly string[] } };
    assert.deepEqual([review.apiVersion, review.kind], ["authentication.k8s.io/v1", "TokenReview"]);
    const known = issued.get(review.spec.token);
    const audiences = known?.audiences.filter((one) => review.spec.audiences?.includes(one) ?? true) ?? [];
    const good = known !== undefined && audiences.length > 0;
    const status: Record<string, unknown> = good
      ? { authenticated: true, audiences, user: { username: `system:serviceaccount:${known.namespace}:${known.name}`, uid: known.uid, groups: ["system:serviceaccounts", `system:serviceaccounts:${known.namespace}`, "system:authenticated"] } }
      : { user: {}, error: known ? `[invalid bearer token, token audiences are not among ${review.spec.audiences}]` : "[invalid bearer token, unknown]" };
    return { status: 201, json: { ...review, metadata: { creationTimestamp: null }, status: state.answer?.(status) ?? status } };
  });
  const audiences = ["https://kubernetes.default.svc.cluster.local"];
  const tokenFor = async (namespace: string, name: string, more: Readonly<Record<string, unknown>> = {}, issue = true) => {
    const uid = `uid-of-${namespace}-${name}`;
    const token = await key.sign({ iss: audiences[0], aud: audiences, sub: `system:serviceaccount:${namespace}:${name}`, "kubernetes.io": { namespace, serviceaccount: { name, uid }, pod: { name: "pod-1", uid: "pod-uid" } }, ...more });
    if (issue) issued.set(token, { namespace, name, uid, audiences });
    return token;
  };
  return { ...server, state, key, reviewer, issued, tokenFor };
}

async function service(config: Readonly<Record<string, unknown>> = {}) {
  const harness = await createHarness();
  const api = await cluster();
  await harness.mount("auth/kubernetes", "kubernetes");
  const written = await harness.request("POST", "auth/kubernetes/config", { kubernetes_host: api.url, kubernetes_ca_cert: api.ca, token_reviewer_jwt: api.reviewer, ...config });
  assert.equal(written.status, 204, written.text);
  const role = async (body: Readonly<Record<string, unknown>>) => {
    const answer = await harness.request("POST", "auth/kubernetes/role/app", { bound_service_account_names: "app-sa", bound_service_account_namespaces: "shop", policies: "app", ttl: "1h", ...body });
    assert.equal(answer.status, 204, answer.text);
  };
  await role({});
  const login = (jwt: unknown, name = "app") => harness.request("POST", "auth/kubernetes/login", { role: name, jwt } as Record<string, unknown>, { token: "" });
  const refuses = async (jwt: unknown, message: string | RegExp, status = 403) => {
    const before = harness.store.index();
    const { status: got, body } = await login(jwt);
    assert.equal(got, status, JSON.stringify(body));
    if (typeof message === "string") assert.equal(body.errors![0], message);
    else assert.match(body.errors![0]!, message);
    assert.equal(harness.store.index(), before, "nothing is written");
  };
  return { ...harness, api, role, login, refuses };
}

test("a service account that the cluster vouches for gets the role's token", async (t) => {
  const { request, store, api, login } = await service();
  t.after(() => api.close());
  const index = store.index();
  const { status, body } = await login(await api.tokenFor("shop", "app-sa"));
  assert.equal(store.index(), index + 1, "token, entity and alias are one entry");
  assert.equal(status, 200, JSON.stringify(body));
  const { client_token: token, policies, metadata, lease_duration } = body["auth"];
  assert.deepEqual([policies, lease_duration], [["app", "default"], 3600]);
  assert.deepEqual(metadata, { role: "app", service_account_name: "app-sa", service_account_namespace: "shop", service_account_secret_name: "", service_account_uid: "uid-of-shop-app-sa" });
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"].display_name, "kubernetes-shop-app-sa");
  assert.deepEqual(api.state.bearers, [api.reviewer]);
});

test("without a reviewer the token reviews itself", async (t) => {
  const { api, login } = await service({ token_reviewer_jwt: "" });
  t.after(() => api.close());
  const token = await api.tokenFor("shop", "app-sa");
  assert.equal((await login(token)).status, 200);
  assert.deepEqual(api.state.bearers, [token]);
});

test("a token from a secret, as clusters before 1.24 made them, is taken", async (t) => {
  const { api, login } = await service();
  t.after(() => api.close());
  const token = await api.key.sign({ iss: "kubernetes/serviceaccount", "kubernetes.io/serviceaccount/namespace": "shop", "kubernetes.io/serviceaccount/secret.name": "app-sa-token-x", "kubernetes.io/serviceaccount/service-account.name": "app-sa", "kubernetes.io/serviceaccount/service-account.uid": "u1" });
  api.issued.set(token, { namespace: "shop", name: "app-sa", uid: "u1", audiences: ["any"] });
  const { body } = await login(token);
  assert.equal(body["auth"]?.metadata.service_account_secret_name, "app-sa-token-x", JSON.stringify(body));
});

test("names and namespaces are bound, by glob and by label", async (t) => {
  const { request, api, role, login, refuses } = await service();
  t.after(() => api.close());
  await refuses(await api.tokenFor("shop", "other"), "service account name not authorized");
  await refuses(await api.tokenFor("bank", "app-sa"), "namespace not authorized");
  await role({ bound_service_account_names: "app-*", bound_service_account_namespaces: "sh*p,b" });
  assert.equal((await login(await api.tokenFor("shop", "app-sa"))).status, 200);
  await refuses(await api.tokenFor("bank", "app-sa"), "namespace not authorized");
  await role({ bound_service_account_names: "*", bound_service_account_namespaces: "*" });
  assert.equal((await login(await api.tokenFor("bank", "any"))).status, 200);
  await role({ bound_service_account_namespaces: "none", bound_service_account_namespace_selector: JSON.stringify({ matchLabels: { team: "web" } }) });
  assert.equal((await login(await api.tokenFor("shop", "app-sa"))).status, 200);
  await role({ bound_service_account_namespaces: "none", bound_service_account_namespace_selector: "matchLabels:\n  team: web\n" });
  assert.equal((await login(await api.tokenFor("shop", "app-sa"))).status, 200);
  api.state.labels = { team: "db" };
  await refuses(await api.tokenFor("shop", "app-sa"), "namespace not authorized");
  await refuses(await api.tokenFor("bank", "app-sa"), "namespace not authorized err=failed to get namespace (code 404)");
  await request("POST", "auth/kubernetes/config", { kubernetes_host: api.url, kubernetes_ca_cert: api.ca });
  await refuses(await api.tokenFor("shop", "app-sa"), /TokenReviewer JWT needs to be configured to use namespace selectors/);
});

test("an audience that the role asks for must be the token's, and the cluster's", async (t) => {
  const { api, role, login, refuses } = await service();
  t.after(() => api.close());
  await role({ audience: "vault" });
  await refuses(await api.tokenFor("shop", "app-sa"), "invalid audience (aud) claim: audience claim does not match any expected audience");
  const claimed = await api.tokenFor("shop", "app-sa", { aud: ["vault"] });
  await refuses(claimed, "permission denied");
  api.issued.set(claimed, { ...api.issued.get(claimed)!, audiences: ["vault"] });
  assert.equal((await login(claimed)).status, 200);
  api.state.answer = (status) => ({ ...status, audiences: ["other"] });
  await refuses(claimed, "permission denied");
});

test("what the cluster does not vouch for, or vouches for as somebody else, is refused", async (t) => {
  const { api, refuses } = await service();
  t.after(() => api.close());
  await refuses(await api.tokenFor("shop", "app-sa", {}, false), "permission denied");
  const token = await api.tokenFor("shop", "app-sa");
  const user = { username: "system:serviceaccount:shop:app-sa", uid: "uid-of-shop-app-sa" };
  const others: readonly Record<string, unknown>[] = [
    { authenticated: false, user },
    { authenticated: "true", user },
    { authenticated: true, user, error: "x" },
    { authenticated: true, audiences: ["https://kubernetes.default.svc.cluster.local"], user: { ...user, uid: "another" } },
    ...["system:serviceaccount:shop:other", "system:serviceaccount:bank:app-sa", "system:node:shop:app-sa", "admin", "system:serviceaccount:shop:app-sa:x"].map((username) => ({ authenticated: true, audiences: ["https://kubernetes.default.svc.cluster.local"], user: { ...user, username } })),
    {},
  ];
  for (const status of others) {
    api.state.answer = () => status;
    await refuses(token, "permission denied");
  }
});

test("forged, truncated, oversized, expired and type-confused tokens are refused", async (t) => {
  const { request, api, refuses } = await service();
  t.after(() => api.close());
  await request("POST", "auth/kubernetes/config", { kubernetes_host: api.url, kubernetes_ca_cert: api.ca, token_reviewer_jwt: api.reviewer, pem_keys: [api.key.pem] });
  const token = await api.tokenFor("shop", "app-sa");
  const [header, payload, signature] = token.split(".") as [string, string, string];
  const stranger = await signingKey("cluster", "RS256");
  await refuses(await stranger.sign({ "kubernetes.io": { namespace: "shop", serviceaccount: { name: "app-sa", uid: "uid-of-shop-app-sa" } } }), "permission denied");
  for (const text of [token.slice(0, -9), `${header}.${payload}`, `${header}.${payload}.`, `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.${signature}`, "x", "a.b.c", `${header}.${"A".repeat(200_000)}.${signature}`]) await refuses(text, "permission denied");
  await refuses(await api.tokenFor("shop", "app-sa", { exp: 5 }), "invalid expiration time (exp) claim: token is expired");
  await refuses(await api.tokenFor("shop", "app-sa", { aud: 5 }), /invalid audience/);
  await refuses(await api.tokenFor("shop", "app-sa", { "kubernetes.io": "shop" }), 'claim "kubernetes.io" is not an object');
  await refuses(await api.tokenFor("shop", "app-sa", { "kubernetes.io": { namespace: ["shop"], serviceaccount: { name: "app-sa", uid: "u" } } }), 'claim "namespace" is not a string');
  await refuses(await api.tokenFor("shop", "app-sa", { "kubernetes.io": { namespace: "shop", serviceaccount: { name: "app-sa" } } }), "could not parse UID from claims");
  await refuses("", "missing jwt", 400);
  await refuses({ a: 1 }, /error converting input for field "jwt"/, 400);
  assert.deepEqual(api.asked, [], "none of them got as far as the cluster");
});

test("an issuer is checked where the configuration wants it", async (t) => {
  const { request, api, login, refuses } = await service();
  t.after(() => api.close());
  const config = { kubernetes_host: api.url, kubernetes_ca_cert: api.ca, token_reviewer_jwt: api.reviewer, disable_iss_validation: false };
  await request("POST", "auth/kubernetes/config", config);
  const token = await api.tokenFor("shop", "app-sa");
  await refuses(token, "invalid issuer (iss) claim");
  await request("POST", "auth/kubernetes/config", { ...config, issuer: "https://kubernetes.default.svc.cluster.local" });
  assert.equal((await login(token)).status, 200);
});

test("a cluster with a certificate from elsewhere, or none at all, vouches for nobody", async (t) => {
  const { request, api, refuses } = await service();
  const other = await cluster();
  t.after(() => [api, other].forEach((one) => one.close()));
  const token = await api.tokenFor("shop", "app-sa");
  await request("POST", "auth/kubernetes/config", { kubernetes_host: api.url, kubernetes_ca_cert: other.ca, token_reviewer_jwt: api.reviewer });
  await refuses(token, "permission denied");
  await request("POST", "auth/kubernetes/config", { kubernetes_host: "https://127.0.0.1:1", kubernetes_ca_cert: api.ca });
  await refuses(token, "permission denied");
  assert.deepEqual(api.asked, []);
});

test("configuration and roles: what is read back, and what is refused", async (t) => {
  const { request, api, store } = await service();
  t.after(() => api.close());
  assert.deepEqual((await request("GET", "auth/kubernetes/config")).body["data"], { disable_iss_validation: true, disable_local_ca_jwt: false, use_annotations_as_alias_metadata: false, issuer: "", kubernetes_ca_cert: api.ca, kubernetes_host: api.url, pem_keys: [], token_reviewer_jwt_set: true });
  assert.deepEqual((await request("GET", "auth/kubernetes/role/APP")).body["data"], {
    alias_name_source: "serviceaccount_uid", bound_service_account_names: ["app-sa"], bound_service_account_namespace_selector: "", bound_service_account_namespaces: ["shop"], policies: ["app"], token_bound_cidrs: [],
    token_explicit_max_ttl: 0, token_max_ttl: 0, token_no_default_policy: false, token_num_uses: 0, token_period: 0, token_policies: ["app"], alias_metadata: {}, token_strictly_bind_ip: false, token_ttl: 3600, token_type: "default", ttl: 3600,
  });
  assert.deepEqual((await request("LIST", "auth/kubernetes/role")).body["data"], { keys: ["app"] });
  const names = { bound_service_account_names: "a" };
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ["config", {}, "no host provided"],
    ["config", { kubernetes_host: "x" }, "kubernetes_host must be a URL"],
    ["config", { kubernetes_host: api.url, pem_keys: ["x"] }, "data does not contain any valid public keys"],
    ["config", { kubernetes_host: api.url, disable_local_ca_jwt: true }, "kubernetes_ca_cert must be given when disable_local_ca_jwt is true"],
    ["config", { kubernetes_host: api.url, kubernetes_ca_cert: "x" }, "kubernetes_ca_cert does not contain any valid certificates"],
    ["role/x", {}, '"bound_service_account_names" can not be empty'],
    ["role/x", names, '"bound_service_account_namespaces" can not be empty if "bound_service_account_namespace_selector" is not set'],
    ["role/x", { bound_service_account_names: "a,*", bound_service_account_namespaces: "*" }, 'can not mix "*" with values'],
    ["role/x", { ...names, bound_service_account_namespaces: "*,b" }, 'can not mix "*" with values'],
    ["role/x", { ...names, bound_service_account_namespaces: "b", alias_name_source: "q" }, "invalid alias_name_source, must be one of: serviceaccount_uid, serviceaccount_name"],
    ["role/x", { ...names, bound_service_account_namespace_selector: "{" }, 'invalid "bound_service_account_namespace_selector" configured'],
    ["role/x", { ...names, bound_service_account_namespace_selector: '{"matchExpressions":[]}' }, 'invalid "bound_service_account_namespace_selector" configured'],
    ["role/x", { ...names, bound_service_account_namespace_selector: "matchLabels: [" }, 'invalid "bound_service_account_namespace_selector" configured'],
    ["role/x", { ...names, bound_service_account_namespace_selector: "matchLabels: &a\n  x: *a\n" }, 'invalid "bound_service_account_namespace_selector" configured'],
    ["login", {}, "missing role"],
    ["login", { role: "app" }, "missing jwt"],
    ["login", { role: "none", jwt: "x" }, 'invalid role name "none"'],
  ];
  for (const [path, body, message] of cases) {
    const before = store.index();
    const answer = await request("POST", `auth/kubernetes/${path}`, body);
    assert.deepEqual([answer.status, answer.body.errors], [400, [message]]);
    assert.equal(store.index(), before);
  }
});

test("a token is renewed as the role says by now, and not without it; other addresses do not log in", async (t) => {
  const { request, api, role, login, refuses, clock } = await service();
  t.after(() => api.close());
  const token = (await login(await api.tokenFor("shop", "app-sa"))).body["auth"].client_token as string;
  clock.advance(60);
  await role({ token_ttl: "2h" });
  assert.equal((await request("POST", "auth/token/renew-self", {}, { token })).body["auth"].lease_duration, 7200);
  await role({ token_bound_cidrs: "10.0.0.0/8" });
  await refuses(await api.tokenFor("shop", "app-sa"), "permission denied");
  await request("DELETE", "auth/kubernetes/role/app");
  assert.deepEqual((await request("POST", "auth/token/renew-self", {}, { token })).body.errors, ["role app does not exist during renewal"]);
});

test("annotations of the account become metadata of its alias, where the configuration says so", async (t) => {
  const { request, api, login, refuses } = await service({ use_annotations_as_alias_metadata: true });
  t.after(() => api.close());
  const token = await api.tokenFor("shop", "app-sa");
  const aliasOf = async () => {
    const { status, body } = await login(token);
    assert.equal(status, 200, JSON.stringify(body));
    const { metadata, entity_id: id } = body["auth"];
    assert.equal(metadata.team, undefined, "not of the token");
    return (await request("GET", `identity/entity/id/${id}`)).body["data"].aliases[0].metadata as Record<string, string>;
  };
  assert.equal((await aliasOf())["service_account_name"], "app-sa");
  api.state.annotations = { "vault.hashicorp.com/alias-metadata-team": "web", "vault.hashicorp.com/alias-metadata-service_account_uid": "another", "vault.hashicorp.com/role": "x" };
  const metadata = await aliasOf();
  assert.deepEqual([metadata["team"], metadata["service_account_uid"], metadata["role"]], ["web", "uid-of-shop-app-sa", undefined]);
  api.state.annotations = { "vault.hashicorp.com/alias-metadata-team": "x".repeat(513) };
  await refuses(token, /more than 512 characters/);
  await request("POST", "auth/kubernetes/config", { kubernetes_host: api.url, kubernetes_ca_cert: api.ca, use_annotations_as_alias_metadata: true });
  await refuses(token, "failed to get service account annotations (code 403)");
  assert.equal((await request("GET", "auth/kubernetes/config")).body["data"].use_annotations_as_alias_metadata, true);
});
