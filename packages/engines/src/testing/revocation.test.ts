import assert from "node:assert/strict";
import { test } from "node:test";
import { createToken, data, definePath, field, tokenId } from "@coffer/state-machine";
import type { Engine } from "@coffer/state-machine";
import { createHarness } from "./harness.js";

/** Leases accounts, of which some cannot be taken back. */
async function service() {
  const state = { revoked: [] as string[], broken: new Set<string>(), tried: 0, most: 0, now: 0 };
  const engine: Engine = {
    type: "accounts", table: "secret", help: "Accounts.",
    paths: [definePath({
      template: "creds/{name}",
      help: { synopsis: "Gives an account.", description: "" },
      fields: { name: field.string({ description: "Name of the account.", required: true }) },
      operations: { read: { effect: "write", summary: "Give an account.", handler: ({ input }) => data({}, { secret: { kind: "account", ttlSeconds: 600, renewable: true, internalData: { name: input.name } } }) } },
    })],
    secrets: [{
      name: "account",
      async revoke({ name }, _storage, { fullPath }) {
        state.tried++;
        state.most = Math.max(state.most, ++state.now);
        // As long as another one needs to begin beside it.
        for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
        state.now--;
        if (state.broken.has(fullPath) || state.broken.has(String(name))) throw new Error("the other side does not answer");
        state.revoked.push(String(name));
      },
    }],
  };
  const harness = await createHarness({ engines: [engine] });
  const { request, store, clock } = harness;
  for (const path of ["acc", "other"]) await harness.mount(path, "accounts");
  const lease = async (path: string, token?: string) => (await request("GET", path, undefined, token === undefined ? {} : { token })).body["lease_id"] as string;
  const many = (count: number, path: string, token?: string) => Promise.all(Array.from({ length: count }, (_, i) => lease(`${path}/n${i}`, token)));
  const keys = async (prefix: string) => (await store.evaluate((tx) => tx.keys(prefix))).value;
  const drain = async () => {
    for (let tries = 0; tries < 100; tries++) {
      try {
        await harness.doDueWork();
        return;
      } catch (error) {
        assert.match(String(error), /does not answer/);
      }
    }
  };
  /** Children of a token, a thousand at a time without the pipeline. */
  const children = async (parent: string, count: number) => {
    const env = { now: clock.now, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)), uuid: () => crypto.randomUUID() };
    const texts: string[] = [];
    await store.transact((tx) => {
      texts.length = 0;
      const core = tx.scoped("core/");
      const id = tokenId(core, parent);
      for (let i = 0; i < count; i++) texts.push(createToken(core, { parent: id, policies: ["default"], path: "auth/token/create", displayName: "token", ttl: 3600 }, env).text);
    });
    return texts;
  };
  const create = async (body: Record<string, unknown> = {}) => (await request("POST", "auth/token/create", { policies: ["default"], ttl: "9h", ...body })).body["auth"].client_token as string;
  const lives = async (token: string) => (await request("GET", "auth/token/lookup-self", undefined, { token })).status === 200;
  return { ...harness, state, lease, many, keys, drain, children, create, lives };
}

test("a large tree is invalid at once, and goes in slices", async () => {
  const { request, children, create, lives, keys, doDueWork, store } = await service();
  const root = await create();
  const level = await children(root, 700);
  const deep = await children(level[699]!, 300);
  const before = store.index();
  assert.equal((await request("POST", "auth/token/revoke", { token: root })).status, 204);
  assert.deepEqual(await Promise.all([root, level[0]!, level[699]!, deep[0]!, deep[299]!].map(lives)), [false, false, false, false, false]);
  const left = (await keys("core/token/id/")).length;
  assert.ok(left > 500, `${left} tokens are left for later`);
  await doDueWork();
  assert.equal((await keys("core/token/id/")).length, 1);
  assert.deepEqual((await keys("core/expire/")).concat(await keys("core/token/parent/")).filter((key) => !/^[A-Za-z0-9]{24}$/.test(key)), []);
  assert.ok(store.index() - before >= 4);
});

test("the many children of a token that is revoked alone become orphans, and never stop working", async () => {
  const { request, children, create, lives, keys, doDueWork } = await service();
  const root = await create();
  const level = await children(root, 600);
  assert.equal((await request("POST", "auth/token/revoke-orphan", { token: root })).status, 204);
  assert.deepEqual(await Promise.all([root, level[0]!, level[599]!].map(lives)), [false, true, true]);
  await doDueWork();
  assert.deepEqual(await Promise.all([level[0]!, level[599]!].map(lives)), [true, true]);
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token: level[599]! })).body["data"].orphan, true);
  assert.equal((await keys("core/token/id/")).length, 601);
  assert.deepEqual((await keys("core/expire/")).filter((key) => key.includes("/orphans/")), []);
});

test("the many leases of a token end with it, several at a time", async () => {
  const { request, many, tokenWith, keys, doDueWork, state } = await service();
  const token = await tokenWith('path "acc/*" { capabilities = ["read"] }');
  await many(600, "acc/creds", token);
  await request("POST", "auth/token/revoke", { token });
  await doDueWork();
  assert.equal(state.revoked.length, 600);
  assert.ok(state.most > 1 && state.most <= 32, `${state.most} at a time`);
  assert.deepEqual((await keys("core/lease/")).filter((key) => !key.startsWith("token/")), []);
  assert.deepEqual((await keys("core/lease/token/")).filter((key) => key.includes("/")), []);
});

test("many leases are revoked by prefix in slices; those made meanwhile, and those beside it, stay", async () => {
  const { request, many, lease, clock, keys, doDueWork, state } = await service();
  await many(600, "acc/creds");
  await lease("other/creds/x");
  assert.equal((await request("POST", "sys/leases/revoke-prefix/acc/creds")).status, 204);
  clock.advance(1);
  await lease("acc/creds/late");
  await doDueWork();
  assert.deepEqual([state.revoked.length, state.revoked.includes("late"), state.revoked.includes("x")], [600, false, false]);
  assert.equal((await keys("core/lease/id/")).length, 2);
  assert.deepEqual(await keys("core/lease/sweep/"), []);
});

test("a lease that is to be revoked is not renewed", async () => {
  const { request, lease } = await service();
  const id = await lease("acc/creds/x");
  await request("POST", "sys/leases/revoke", { lease_id: id });
  assert.deepEqual((await request("POST", "sys/leases/renew", { lease_id: id })).body.errors, ["lease expired"]);
});

test("a revocation that is waited for is done when the answer comes, or says why not and changes nothing", async () => {
  const { request, lease, many, keys, state } = await service();
  const id = await lease("acc/creds/x");
  state.broken.add("x");
  const refused = await request("POST", "sys/leases/revoke", { lease_id: id, sync: true });
  assert.deepEqual([refused.status, refused.body.errors], [400, [`failed to revoke ${JSON.stringify(id)}: the other side does not answer`]]);
  assert.equal((await request("POST", "sys/leases/lookup", { lease_id: id })).body["data"].ttl, 600);
  state.broken.clear();
  assert.equal((await request("POST", "sys/leases/revoke", { lease_id: id, sync: true })).status, 204);
  assert.deepEqual([state.revoked, await keys("core/lease/id/")], [["x"], []]);
  await many(300, "acc/creds");
  assert.equal((await request("POST", "sys/leases/revoke-prefix/acc", { sync: true })).status, 204);
  assert.deepEqual([state.revoked.length, await keys("core/lease/id/")], [301, []]);
});

test("tokens are revoked by the path that made them: those of a role, or of an auth mount", async () => {
  const { request, lives, doDueWork, create } = await service();
  await request("POST", "auth/token/roles/ci", { path_suffix: "rev-1" });
  const byRole = async () => (await request("POST", "auth/token/create/ci", { policies: ["default"] })).body["auth"].client_token as string;
  const [first, plain] = [await byRole(), await create()];
  await request("POST", "auth/token/roles/ci", { path_suffix: "rev-2" });
  const second = await byRole();
  await request("POST", "sys/leases/revoke-prefix/auth/token/create/ci/rev-1");
  await doDueWork();
  assert.deepEqual(await Promise.all([first, second, plain].map(lives)), [false, true, true]);
  await request("POST", "sys/leases/revoke-prefix/auth/token/create/ci", { sync: true });
  assert.deepEqual(await Promise.all([second, plain].map(lives)), [false, true]);
});

test("tokens that end are leases: looked up, listed and revoked by their id, but renewed as tokens", async () => {
  const { request, lives, clock } = await service();
  const made = (await request("POST", "auth/token/create", { policies: ["default"], ttl: "1h" })).body["auth"];
  const { client_token: token, accessor } = made as { client_token: string; accessor: string };
  const id = `auth/token/create/h${accessor}`;
  const { data: shown } = (await request("POST", "sys/leases/lookup", { lease_id: id })).body;
  assert.deepEqual([shown.id, shown.ttl, shown.renewable, shown.last_renewal], [id, 3600, true, null]);
  assert.deepEqual((await request("LIST", "sys/leases/lookup")).body["data"].keys, ["auth/"]);
  assert.deepEqual((await request("LIST", "sys/leases/lookup/auth/token/create")).body["data"].keys, [`h${accessor}`]);
  const renewed = await request("POST", "sys/leases/renew", { lease_id: id });
  assert.deepEqual([renewed.status, renewed.body.errors], [400, ["tokens cannot be renewed through this endpoint"]]);
  clock.advance(60);
  await request("POST", "auth/token/renew", { token, increment: "2h" });
  assert.deepEqual([(await request("POST", "sys/leases/lookup", { lease_id: id })).body["data"].ttl, await lives(token)], [7200, true]);
  const wrapped = (await request("GET", "acc/creds/x", undefined, { headers: { "x-vault-wrap-ttl": "60" } })).body["wrap_info"].accessor as string;
  assert.ok(((await request("LIST", "sys/leases/lookup/acc/creds/x")).body["data"].keys as string[]).includes(`h${wrapped}`));
  assert.equal((await request("POST", "sys/leases/revoke", { lease_id: id })).status, 204);
  assert.deepEqual([await lives(token), (await request("POST", "sys/leases/lookup", { lease_id: id })).status], [false, 400]);
  const endless = (await request("POST", "auth/token/create", { policies: ["root"] })).body["auth"].accessor as string;
  assert.equal((await request("POST", "sys/leases/lookup", { lease_id: `auth/token/create/h${endless}` })).status, 400, "one without an end is none");
});

test("many logins of one path are revoked by it, others stay; a login still writes three keys", async () => {
  const { request, lives, keys, doDueWork, mount } = await service();
  for (const path of ["auth/one", "auth/two"]) {
    await mount(path, "userpass");
    await request("POST", `${path}/users/ann`, { password: "ann-password", token_policies: "default" });
  }
  const login = async (path: string) => (await request("POST", `${path}/login/ann`, { password: "ann-password" }, { token: "" })).body["auth"].client_token as string;
  const first = await login("auth/one");
  const count = async () => (await keys("core/")).length;
  const before = await count();
  const second = await login("auth/one");
  assert.equal((await count()) - before, 3);
  const other = await login("auth/two");
  assert.equal((await request("POST", "sys/remount", { from: "auth/two", to: "auth/three" })).status, 200);
  assert.equal((await request("POST", "auth/token/renew", { token: other })).status, 200);
  assert.equal((await request("POST", "sys/leases/revoke-force/auth/one")).status, 204);
  assert.deepEqual(await Promise.all([first, second, other].map(lives)), [false, false, true]);
  await request("POST", "sys/leases/revoke-prefix/auth/three/login/ann");
  await doDueWork();
  assert.deepEqual([await lives(other), (await request("LIST", "sys/leases/lookup/auth")).status], [false, 404]);
});

test("what cannot be revoked is given up after six attempts, shown, tried once a day, and can be ordered again", async () => {
  const { request, lease, clock, drain, state, keys } = await service();
  const id = await lease("acc/creds/x");
  await lease("other/creds/fine");
  state.broken.add("x");
  for (let i = 0; i < 12; i++) {
    clock.advance(700);
    await drain();
  }
  assert.equal(state.tried, 7);
  const accessor = (await request("GET", "sys/mounts/acc")).body["data"].accessor as string;
  const { body } = await request("GET", "sys/leases", undefined, { query: { type: "irrevocable" } });
  assert.deepEqual(body["data"], { lease_count: 1, leases: [{ lease_id: id, mount_id: accessor, error: "the other side does not answer" }] });
  assert.deepEqual((await request("GET", "sys/leases/count", undefined, { query: { type: "irrevocable" } })).body["data"], { lease_count: 1, counts: { [accessor]: 1 } });
  assert.deepEqual((await request("POST", "sys/leases/renew", { lease_id: id })).body.errors, ["lease expired"]);
  clock.advance(86_400);
  await drain();
  assert.equal(state.tried, 8);
  state.broken.clear();
  await request("POST", "sys/leases/revoke", { lease_id: id });
  await drain();
  assert.deepEqual([state.revoked, await keys("core/lease/irrevocable/"), await keys("core/lease/id/")], [["fine", "x"], [], []]);
});

test("a mount that does not answer does not hold up the others, nor is it asked for each of its leases", async () => {
  const { many, clock, drain, state } = await service();
  await many(400, "acc/creds");
  await many(100, "other/creds");
  state.broken.add("acc/");
  clock.advance(600);
  await drain();
  assert.equal(state.revoked.length, 100);
  assert.ok(state.tried - 100 < 200, `${state.tried - 100} attempts`);
  state.broken.clear();
  clock.advance(20);
  await drain();
  clock.advance(20);
  await drain();
  assert.equal(state.revoked.length, 500);
});

test("tidying removes what leads nowhere, and only that, one at a time", async () => {
  const { request, lease, create, children, tokenWith, store, keys, doDueWork, state } = await service();
  const reader = await tokenWith('path "acc/*" { capabilities = ["read"] }');
  await lease("acc/creds/kept");
  await lease("acc/creds/lost", reader);
  const parent = await create();
  const [child] = await children(parent, 600);
  await store.transact((tx) => {
    const core = tx.scoped("core/");
    for (const token of [child!, reader]) core.delete(`token/id/${tokenId(core, token)}`);
    core.put(`lease/token/${tokenId(core, parent)}/acc/creds/none`, { encode: () => Buffer.from("{}"), decode: () => ({}) }, {});
  });
  const filed = async () => (await keys("core/lease/id/")).filter((key) => /\/h[A-Za-z0-9]{24}$/.test(key)).length;
  const before = await filed();
  const started = await request("POST", "auth/token/tidy");
  assert.deepEqual([started.status, started.body.warnings![0]!.startsWith("Tidy operation successfully started.")], [202, true]);
  assert.deepEqual((await request("POST", "auth/token/tidy")).body.warnings, ["Tidy operation already in progress."]);
  assert.equal((await request("POST", "sys/leases/tidy")).status, 202);
  await doDueWork();
  assert.equal(await filed(), before - 2);
  assert.deepEqual([state.revoked, (await keys("core/lease/token/")).filter((key) => key.endsWith("none"))], [["lost"], []]);
  assert.deepEqual(await keys("core/tidy/"), []);
  assert.equal((await request("POST", "auth/token/tidy")).body.warnings![0]!.includes("successfully"), true);
});
