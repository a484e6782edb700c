import assert from "node:assert/strict";
import { test } from "node:test";
import { definePath, field, invalid } from "@coffer/state-machine";
import type { AuthGrant, Engine, LoginRenewal } from "@coffer/state-machine";
import { createHarness } from "../testing/harness.js";

/** An auth method that gives what the test says, and has its say in renewals. */
async function service(grant: Partial<AuthGrant> = {}) {
  const state = { grant, renewal: undefined as LoginRenewal | undefined, refuses: false, asked: [] as unknown[] };
  const login = definePath({
    template: "login/{name}",
    help: { synopsis: "Logs in.", description: "" },
    fields: { name: field.string({ description: "Who.", required: true }) },
    operations: {
      update: {
        effect: "write", access: "none", summary: "Log in.",
        handler: ({ input }) => ({ kind: "envelope", data: null, grant: { policies: [], displayName: input.name, renewable: true, internalData: { role: input.name }, ...state.grant } }),
      },
    },
  });
  const engine: Engine = {
    type: "door",
    table: "auth",
    help: "Lets people in.",
    paths: [login],
    renewLogin(internalData, _storage, { fullPath }) {
      state.asked.push([internalData, fullPath]);
      if (state.refuses) throw invalid("policies have changed, not renewing");
      return state.renewal;
    },
  };
  const harness = await createHarness({ engines: [engine] });
  await harness.mount("auth/door", "door");
  const enter = async () => (await harness.request("POST", "auth/door/login/ann")).body["auth"] as { client_token: string; accessor: string; lease_duration: number };
  const renew = async (token: string, body: Record<string, unknown> = {}) => {
    const { status, body: answer } = await harness.request("POST", "auth/token/renew-self", body, { token });
    return status === 200 ? (answer["auth"].lease_duration as number) : answer.errors?.[0];
  };
  return { ...harness, state, enter, renew };
}

test("the auth method is asked for each renewal of its logins, by text, accessor or the token itself", async () => {
  const { request, state, enter, renew } = await service();
  const { client_token: token, accessor } = await enter();
  await renew(token);
  await request("POST", "auth/token/renew", { token });
  await request("POST", "auth/token/renew-accessor", { accessor });
  assert.deepEqual(state.asked, Array.from({ length: 3 }, () => [{ role: "ann" }, "auth/door/"]));
});

test("a token made from another one is not the method's to judge", async () => {
  const { request, state, renew } = await service();
  await renew((await request("POST", "auth/token/create", { policies: ["default"], ttl: "1h" })).body["auth"].client_token as string);
  assert.deepEqual(state.asked, []);
});

test("a refusal ends the renewal, and the token keeps its time", async () => {
  const { request, state, enter, renew, clock } = await service({ ttlSeconds: 600 });
  const { client_token: token } = await enter();
  clock.advance(100);
  state.refuses = true;
  assert.equal(await renew(token, { increment: 900 }), "policies have changed, not renewing");
  assert.equal((await request("GET", "auth/token/lookup-self", undefined, { token })).body["data"].ttl, 500);
});

test("the limits are those of the mount that was logged in on, not those of auth/token", async () => {
  const { request, enter, renew, clock } = await service({ ttlSeconds: 600 });
  await request("POST", "sys/auth/door/tune", { max_lease_ttl: "1h" });
  await request("POST", "sys/auth/token/tune", { max_lease_ttl: "20m" });
  const { client_token: token } = await enter();
  assert.equal(await renew(token, { increment: "5h" }), 3600);
  clock.advance(3000);
  assert.equal(await renew(token, { increment: "5h" }), 600);
  clock.advance(600);
  assert.equal(await renew(token), "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n");
});

test("the maximum that came with the login holds, and so does an explicit one", async () => {
  const soft = await service({ ttlSeconds: 600, maxTtlSeconds: 1500 });
  const first = (await soft.enter()).client_token;
  soft.clock.advance(500);
  assert.equal(await soft.renew(first, { increment: "5h" }), 1000);
  const hard = await service({ ttlSeconds: 600, explicitMaxTtlSeconds: 700 });
  const second = (await hard.enter()).client_token;
  assert.equal(await hard.renew(second, { increment: "5h" }), 700);
});

test("a periodic login gets its period each time, however old it is", async () => {
  const { enter, renew, clock, request } = await service({ periodSeconds: 300, maxTtlSeconds: 600 });
  await request("POST", "sys/auth/door/tune", { max_lease_ttl: "10m" });
  const { client_token: token, lease_duration } = await enter();
  assert.equal(lease_duration, 300);
  for (let i = 0; i < 10; i++) {
    clock.advance(299);
    assert.equal(await renew(token, { increment: "5h" }), 300);
  }
});

test("what the method gives now replaces what it gave at login", async () => {
  const { state, enter, renew, clock } = await service({ ttlSeconds: 600, maxTtlSeconds: 1000 });
  const { client_token: token } = await enter();
  state.renewal = { ttlSeconds: 900, maxTtlSeconds: 5000 };
  assert.equal(await renew(token), 900);
  state.renewal = undefined;
  clock.advance(800);
  assert.equal(await renew(token, { increment: 4500 }), 4200);
  state.renewal = { periodSeconds: 120 };
  assert.equal(await renew(token), 120);
  state.renewal = { periodSeconds: 0, ttlSeconds: 0, maxTtlSeconds: 0 };
  assert.equal(await renew(token), 2_764_000);
});

test("with its mount goes the renewal", async () => {
  const { request, enter } = await service();
  const { client_token: token, accessor } = await enter();
  await request("DELETE", "sys/auth/door");
  assert.deepEqual((await request("POST", "auth/token/renew", { token })).body.errors, ["token not found"]);
  assert.equal((await request("POST", "auth/token/lookup-accessor", { accessor })).status, 400);
});

test("the groups that the method says now are the entity's external groups of its mount", async () => {
  const { request, state, enter, renew } = await service({ alias: { name: "ann" }, groupAliases: ["red"] });
  const accessor = (await request("GET", "sys/auth/door")).body["accessor"] as string;
  const ids = await Promise.all(["red", "blue"].map(async (name) => {
    const { id } = (await request("POST", "identity/group", { name, type: "external", policies: name })).body["data"];
    await request("POST", "identity/group-alias", { name, mount_accessor: accessor, canonical_id: id });
    return id as string;
  }));
  const { client_token: token } = await enter();
  const groups = async () => (await request("POST", "identity/lookup/entity", { alias_name: "ann", alias_mount_accessor: accessor })).body["data"].direct_group_ids as string[];
  assert.deepEqual(await groups(), [ids[0]]);
  await renew(token);
  assert.deepEqual(await groups(), [ids[0]], "a method that does not say leaves them");
  state.renewal = { groupAliases: ["blue", "unknown"] };
  const { body } = await request("POST", "auth/token/renew-self", {}, { token });
  assert.deepEqual([await groups(), body["auth"].identity_policies], [[ids[1]], ["blue"]]);
  state.renewal = { groupAliases: [] };
  await renew(token);
  assert.deepEqual(await groups(), []);
});
