import assert from "node:assert/strict";
import { test } from "node:test";
import { REDIRECT, service } from "../testing/oidc-service.js";

test("a device logs in: the user enters its code at the provider, and the device asks until that is done", async (t) => {
  const { role, begun, poll, provider, request } = await service(t);
  await role({ callback_mode: "device", allowed_redirect_uris: [] });
  assert.equal((await begun({ client_nonce: "", redirect_uri: "" })).body.errors![0], "missing client_nonce");
  const { body } = await begun({ redirect_uri: "" });
  const { auth_url: url, state, poll_interval: interval } = body["data"];
  assert.ok(url.startsWith(provider.url), url);
  assert.equal(interval, "5");
  assert.equal((await poll({ state, client_nonce: "mine" })).body.errors![0], "authorization_pending");
  assert.equal((await poll({ state, client_nonce: "other" })).body.errors![0], "invalid client_nonce");
  assert.equal((await poll({ state })).body.errors![0], "invalid client_nonce");
  await provider.approve(url, "ann");
  const done = await poll({ state, client_nonce: "mine" });
  assert.equal(done.status, 200, done.text);
  const { client_token: token, policies } = done.body["auth"];
  assert.deepEqual(policies, ["default", "dev"]);
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"].display_name, "oidc-ann");
  assert.equal((await poll({ state, client_nonce: "mine" })).status, 400, "once");
});

test("a device whose user refuses is told so, and its state is used up", async (t) => {
  const { role, begun, poll, provider } = await service(t);
  await role({ callback_mode: "device", poll_interval: 9 });
  const { auth_url: url, state, poll_interval: interval } = (await begun()).body["data"];
  assert.equal(interval, "9");
  await provider.approve(url, "ann", "abort").catch(() => undefined);
  assert.match((await poll({ state, client_nonce: "mine" })).body.errors![0]!, /authorization failed: access_denied/);
  assert.match((await poll({ state, client_nonce: "mine" })).body.errors![0]!, /Expired or missing/);
});

test("two devices ask at once with one state: one gets the token", async (t) => {
  const { role, begun, poll, provider } = await service(t);
  await role({ callback_mode: "device" });
  const { auth_url: url, state } = (await begun()).body["data"];
  await provider.approve(url, "ann");
  const answers = await Promise.all([1, 2, 3].map(() => poll({ state, client_nonce: "mine" })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
});

test("mode direct: the browser comes to the server, the user confirms, and the client that has the nonce gets the token", async (t) => {
  const { role, begun, end, poll, provider } = await service(t);
  await role({ callback_mode: "direct" });
  const { auth_url: url, state } = (await begun()).body["data"];
  const back = await provider.visit(url, "ann");
  const query = { state, code: back.searchParams.get("code")! };
  const asked = await end(query);
  assert.equal(asked.status, 200);
  assert.match(asked.text, /Is this your login\?/);
  assert.equal((await poll({ state, client_nonce: "mine" })).body.errors![0], "authorization_pending");
  assert.match((await end({ ...query, confirmation: "yes" })).text, /Signed in/);
  assert.equal((await end({ ...query, confirmation: "yes" })).status, 400, "once");
  assert.equal((await poll({ state, client_nonce: "guess" })).status, 400);
  const done = await poll({ state, client_nonce: "mine" });
  assert.equal(done.status, 200, done.text);
  assert.deepEqual(done.body["auth"].metadata, { full_name: "The ann", role: "dev" });
  assert.equal((await poll({ state, client_nonce: "mine" })).status, 400);
});

test("mode direct: what goes wrong is told to the browser and to the client, and text from outside is escaped", async (t) => {
  const { role, begun, end, poll } = await service(t);
  await role({ callback_mode: "direct", oidc_disable_confirmation: true });
  const { state } = (await begun()).body["data"];
  const failed = await end({ state, code: "no-such-code" });
  assert.deepEqual([failed.status, /Not signed in/.test(failed.text)], [400, true]);
  assert.match((await poll({ state, client_nonce: "mine" })).body.errors![0]!, /Error exchanging oidc code/);
  await role({ callback_mode: "direct", oidc_disable_confirmation: false });
  const second = (await begun()).body["data"].state as string;
  const asked = await end({ state: second, code: '"><script>alert(1)</script>' });
  assert.ok(!asked.text.includes("<script>"));
});

test("form_post: the provider has the browser post a code, or an ID token, and the client comes without it", async (t) => {
  const { request, config, provider, begin, end } = await service(t);
  for (const oidc_response_types of ["code", "id_token"]) {
    await request("POST", "auth/oidc/config", { ...config, oidc_response_mode: "form_post", oidc_response_types });
    const url = await begin();
    assert.equal(new URL(url).searchParams.get("response_mode"), "form_post");
    const { target, form } = await provider.visitForm(url, "ann");
    assert.equal(target.href, REDIRECT);
    const post = (body: Readonly<Record<string, unknown>>) => request("POST", "auth/oidc/oidc/callback", body, { token: "" });
    const posted = await post(Object.fromEntries(form));
    assert.equal(posted.status, 200, posted.text);
    assert.match(posted.text, /\/ui\/vault\/auth\/oidc\/oidc\/callback\?state=st_\w+&amp;code=no_code/);
    assert.equal((await post({ ...Object.fromEntries(form), code: "another" })).status, 400, "the first counts");
    const state = form.get("state")!;
    assert.equal((await end({ state, code: "no_code" })).status, 400, "the nonce");
    const again = await provider.visitForm(await begin(), "ann");
    await post(Object.fromEntries(again.form));
    const done = await end({ state: again.form.get("state")!, code: "no_code", client_nonce: "mine" });
    assert.equal(done.status, 200, done.text);
    assert.equal(done.body["auth"].metadata.role, "dev");
  }
  await request("POST", "auth/oidc/config", config);
  assert.equal((await request("POST", "auth/oidc/oidc/callback", { state: "st_1", code: "c" }, { token: "" })).status, 405);
});

test("an ID token that is posted must be for this login", async (t) => {
  const { request, config, provider, begin, end } = await service(t);
  await request("POST", "auth/oidc/config", { ...config, oidc_response_mode: "form_post", oidc_response_types: "id_token" });
  const post = (body: Readonly<Record<string, unknown>>) => request("POST", "auth/oidc/oidc/callback", body, { token: "" });
  const first = await provider.visitForm(await begin(), "ann");
  const attacks = [first.form.get("id_token")!, "x", `${first.form.get("id_token")!.slice(0, -8)}AAAAAAAA`, "a.b.c"];
  for (const id_token of attacks) {
    const state = new URL(await begin()).searchParams.get("state")!;
    assert.equal((await post({ state, id_token })).status, 200);
    const { status, body } = await end({ state, code: "no_code", client_nonce: "mine" });
    assert.equal(status, 400, id_token);
    assert.match(body.errors![0]!, /Vault login failed/);
  }
  for (const strange of [{ id_token: { a: 1 } }, { id_token: "x".repeat(40_000) }, { code: ["a"] }, {}]) {
    const state = new URL(await begin()).searchParams.get("state")!;
    const { status } = await post({ ...strange, state });
    if (status === 200) assert.equal((await end({ state, code: "no_code", client_nonce: "mine" })).status, 400);
    else assert.equal(status, 400);
  }
});

test("modes are refused that are none, and a client of one mode cannot end a login of another", async (t) => {
  const { role, begun, begin, end, poll, request } = await service(t);
  assert.equal((await request("POST", "auth/oidc/role/odd", { user_claim: "sub", callback_mode: "x", allowed_redirect_uris: REDIRECT })).status, 400);
  assert.equal((await request("POST", "auth/oidc/role/odd", { user_claim: "sub", poll_interval: -1, allowed_redirect_uris: REDIRECT })).status, 400);
  const state = new URL(await begin()).searchParams.get("state")!;
  assert.equal((await poll({ state, client_nonce: "mine" })).status, 400);
  await role({ callback_mode: "device" });
  const device = (await begun()).body["data"].state as string;
  assert.equal((await end({ state: device, code: "c", client_nonce: "mine" })).status, 400);
  for (const strange of ["", "st_", "st_zzz", "../config", "x".repeat(10_000)]) assert.equal((await poll({ state: strange, client_nonce: "mine" })).status, 400);
});

test("an address can begin no more than a hundred logins in five minutes; others still can, and those that end make room", async (t) => {
  const { begun, clock, request, end } = await service(t);
  const states: string[] = [];
  for (let n = 0; n < 100; n++) states.push(new URL((await begun()).body["data"].auth_url).searchParams.get("state")!);
  const refused = await begun();
  assert.deepEqual([refused.status, refused.body.errors], [429, ["too many logins have begun and not ended; try again in a few minutes"]]);
  assert.equal((await request("POST", "auth/oidc/oidc/auth_url", { redirect_uri: REDIRECT }, { token: "", remoteAddress: "192.0.2.9" })).status, 200);
  assert.equal((await end({ state: states[0]!, error: "access_denied", client_nonce: "mine" })).status, 400);
  assert.equal((await begun()).status, 200);
  assert.equal((await begun()).status, 429);
  clock.advance(301);
  assert.equal((await begun()).status, 200);
});
