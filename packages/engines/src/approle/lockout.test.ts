import assert from "node:assert/strict";
import { test } from "node:test";
import { createHarness } from "../testing/harness.js";

/** Lockout itself is the core's; here it is seen through a method that tells who failed. */
async function withRole() {
  const harness = await createHarness();
  const { request } = harness;
  await harness.mount("auth/approle", "approle");
  await request("POST", "auth/approle/role/r", { role_id: "rid" });
  await request("POST", "auth/approle/role/r/custom-secret-id", { secret_id: "right" });
  const accessor = (await request("GET", "sys/auth/approle")).body["accessor"] as string;
  const login = async (secret_id: string) => (await request("POST", "auth/approle/login", { role_id: "rid", secret_id }, { token: "" })).status;
  const fail = async (times: number) => {
    const statuses: number[] = [];
    for (let i = 0; i < times; i++) statuses.push(await login("wrong"));
    return statuses;
  };
  return { ...harness, accessor, login, fail };
}

test("five failed logins lock, for fifteen minutes, whatever is shown", async () => {
  const { request, accessor, login, fail, clock } = await withRole();
  assert.deepEqual(await fail(6), [400, 400, 400, 400, 400, 403]);
  const locked = await request("POST", "auth/approle/login", { role_id: "rid", secret_id: "right" }, { token: "" });
  assert.deepEqual([locked.status, locked.body.errors], [403, ["permission denied"]]);
  assert.deepEqual((await request("GET", "sys/locked-users")).body["data"], {
    by_namespace: [{ namespace_id: "root", namespace_path: "", counts: 1, mount_accessors: [{ mount_accessor: accessor, counts: 1, alias_identifiers: ["rid"] }] }],
    total: 1,
  });
  clock.advance(899);
  assert.equal(await login("right"), 403);
  clock.advance(2);
  assert.equal(await login("right"), 200);
  assert.equal((await request("GET", "sys/locked-users")).body["data"].total, 0);
});

test("a login forgives the failures before it, and so does an operator", async () => {
  const { request, accessor, login, fail, store } = await withRole();
  await fail(4);
  assert.equal(await login("right"), 200);
  await fail(4);
  assert.equal(await login("right"), 200);
  await fail(5);
  assert.equal(await login("right"), 403);
  assert.equal((await request("POST", `sys/locked-users/${accessor}/unlock/rid`)).status, 204);
  assert.equal(await login("right"), 200);
  assert.deepEqual((await store.evaluate((tx) => tx.keys("core/lockout/"))).value, []);
});

test("guesses made at once get no further than guesses in a row, and the right one is not told from the others", async () => {
  const { login } = await withRole();
  const statuses = await Promise.all(Array.from({ length: 20 }, () => login("wrong")));
  assert.equal(statuses.filter((status) => status === 400).length, 5);
  assert.equal(statuses.filter((status) => status === 403).length, 15);
  assert.equal(await login("right"), 403);
});

test("failures are forgotten after a while, and their keys with them", async () => {
  const { login, fail, clock, doDueWork, store } = await withRole();
  await fail(4);
  clock.advance(901);
  await doDueWork();
  assert.deepEqual((await store.evaluate((tx) => tx.keys("core/"))).value.filter((key) => key.includes("lockout")), []);
  assert.deepEqual(await fail(4), [400, 400, 400, 400]);
  assert.equal(await login("right"), 200);
});

test("a mount is tuned to lock sooner, later or never", async () => {
  const { request, login, fail } = await withRole();
  const tune = (user_lockout_config: unknown) => request("POST", "sys/auth/approle/tune", { user_lockout_config } as Record<string, unknown>);
  assert.equal((await tune({ lockout_threshold: "2", lockout_duration: "10m", lockout_counter_reset_duration: "5m" })).status, 204);
  const shown = (await request("GET", "sys/auth/approle/tune")).body["data"] as Record<string, unknown>;
  assert.deepEqual([shown["user_lockout_threshold"], shown["user_lockout_duration"], shown["user_lockout_counter_reset_duration"], shown["user_lockout_disable"]], [2, 600, 300, false]);
  assert.deepEqual(await fail(3), [400, 400, 403]);
  assert.equal((await tune({ lockout_disable: true })).status, 204);
  assert.equal((await request("GET", "sys/auth")).body["approle/"].config.user_lockout_config.user_lockout_threshold, 2);
  assert.equal(await login("right"), 200);
  assert.deepEqual(await fail(7), [400, 400, 400, 400, 400, 400, 400]);
  assert.equal((await tune({})).status, 204);
  assert.equal(((await request("GET", "sys/auth/approle/tune")).body["data"] as Record<string, unknown>)["user_lockout_threshold"], 2, "nothing was asked for");
  for (const wrong of [{ lockout_threshold: -1 }, { lockout_threshold: "many" }, { lockout_duration: "soon" }, { lockout_disable: "perhaps" }, "text"]) assert.equal((await tune(wrong)).status, 400, JSON.stringify(wrong));
  const other = await request("POST", "sys/auth/token/tune", { user_lockout_config: { lockout_threshold: 1 } });
  assert.deepEqual([other.status, other.body.errors], [400, ['tuning of user lockout configuration for auth type "token" not allowed']]);
});

test("who does not exist is not counted", async () => {
  const { request } = await withRole();
  for (let i = 0; i < 7; i++) assert.equal((await request("POST", "auth/approle/login", { role_id: "nobody", secret_id: "x" }, { token: "" })).status, 400);
  assert.equal((await request("GET", "sys/locked-users")).body["data"].total, 0);
});

test("a login as nobody writes what a wrong secret id writes; names that are made up share a few records", async () => {
  const { request, fail, store } = await withRole();
  const writes = async (work: () => Promise<unknown>) => {
    const before = store.index();
    await work();
    return store.index() - before;
  };
  const nobody = async (role_id: string) => assert.equal((await request("POST", "auth/approle/login", { role_id, secret_id: "x" }, { token: "" })).status, 400);
  assert.deepEqual([await writes(() => fail(1)), await writes(() => nobody("nobody"))], [1, 1]);
  for (let i = 0; i < 300; i++) await nobody(`made-up-${i}`);
  const records = (await store.evaluate((tx) => tx.keys("core/lockout/"))).value;
  assert.ok(records.length <= 65, String(records.length));
  assert.equal((await request("GET", "sys/locked-users")).body["data"].total, 0);
});
