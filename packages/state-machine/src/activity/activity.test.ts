import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "../testing/rig.js";
import type { Rig } from "../testing/rig.js";
import { createActivityRecorder } from "./recorder.js";
import { monthsBetween, plus } from "./months.js";

const DAY = 86_400;
const ACTIVITY = "sys/internal/counters/activity";

/** Does what the active node does by itself, until there is nothing left. */
async function settle({ activity, advance }: Rig): Promise<void> {
  advance(11);
  while (await activity.step());
}

async function service() {
  const rig = await createRig();
  const { ask, policy, env, store } = rig;
  await policy("staff", 'path "kv/*" { capabilities = ["read"] }');
  await policy("reader", 'path "kv/*" { capabilities = ["read"] }');
  await policy("other", 'path "kv/*" { capabilities = ["read"] }');
  const login = async (name: string, path = "login"): Promise<string> => (await ask("update", `auth/${path}/login/${name}`, { password: "let-me-in" }, { token: null })).body.auth.client_token;
  const use = (token: string) => ask("read", "kv/a", undefined, { token });
  const stored = async () => (await store.evaluate((tx) => tx.keys("core/activity/month/"))).value;
  const counts = (entities: number, nonEntities: number) => ({ acme_clients: 0, clients: entities + nonEntities, distinct_entities: entities, entity_clients: entities, non_entity_clients: nonEntities, non_entity_tokens: nonEntities, secret_syncs: 0 });
  return { ...rig, login, use, stored, counts, env };
}

test("months are named and counted over the end of a year", () => {
  assert.deepEqual(monthsBetween("2025-11", "2026-02"), ["2025-11", "2025-12", "2026-01", "2026-02"]);
  assert.deepEqual([plus("2026-01", -1), plus("2026-12", 1), plus("2026-03", -14)], ["2025-12", "2027-01", "2025-01"]);
});

test("clients are counted by entity, or by the policies of tokens without one; once, however often they come; root is none", async () => {
  const rig = await service();
  const { ask, login, use, token, counts, activity } = rig;
  assert.equal((await ask("read", ACTIVITY)).status, 204);
  const [ann, bob] = [await login("ann@corp"), await login("bob@corp")];
  for (const who of [ann, bob, ann, await login("ann@corp"), await token(["reader"]), await token(["reader"]), await token(["other", "reader"])]) assert.equal((await use(who)).status, 404);
  assert.equal(activity.waiting().length, 4);
  const now = (await ask("read", `${ACTIVITY}/monthly`)).body.data;
  assert.deepEqual([now.clients, now.entity_clients, now.non_entity_clients], [4, 2, 2], "before it is written down");
  await settle(rig);
  assert.equal(activity.waiting().length, 0);
  const { data } = (await ask("read", ACTIVITY)).body;
  assert.deepEqual([data.start_time, data.end_time, data.total], ["2025-02-01T00:00:00Z", "2026-01-31T23:59:59Z", counts(2, 2)]);
  const mounts = [{ mount_path: "auth/login/", mount_type: "login", counts: counts(2, 0) }, { mount_path: "auth/token/", mount_type: "token", counts: counts(0, 2) }];
  assert.deepEqual(data.by_namespace, [{ namespace_id: "root", namespace_path: "", counts: counts(2, 2), mounts }]);
  assert.equal(data.months.length, 12);
  assert.deepEqual(data.months[0], { timestamp: "2025-02-01T00:00:00Z", counts: null, namespaces: null, new_clients: null });
  assert.deepEqual(data.months[11], { timestamp: "2026-01-01T00:00:00Z", counts: counts(2, 2), namespaces: data.by_namespace, new_clients: { counts: counts(2, 2), namespaces: data.by_namespace } });
  await use(ann);
  assert.equal(activity.waiting().length, 0);
});

test("who may not use a path is no client of it, and a login is one without a request", async () => {
  const { login, activity, ask, token } = await service();
  assert.equal((await ask("read", "kv/a", undefined, { token: await token(["default"]) })).status, 403);
  assert.equal(activity.waiting().length, 0);
  await login("ann@corp");
  assert.deepEqual(activity.waiting().map(({ kind }) => kind), ["entity"]);
});

test("over months: distinct in all of them, new in the first; periods are whole months", async () => {
  const rig = await service();
  const { ask, login, use, token, advance, counts } = rig;
  const [ann, bob, plain] = [await login("ann@corp"), await login("bob@corp"), await token(["reader"], { ttl: 90 * DAY })];
  for (const who of [ann, bob, plain]) await use(who);
  await settle(rig);
  advance(31 * DAY);
  for (const who of [await login("ann@corp"), await login("cyd@corp"), plain]) await use(who);
  await settle(rig);
  advance(28 * DAY);
  const { body } = await ask("read", ACTIVITY, undefined, { query: { start_time: "2026-01-20T00:00:00Z" } });
  assert.deepEqual([body.data.start_time, body.data.end_time, body.data.total], ["2026-01-01T00:00:00Z", "2026-03-31T23:59:59Z", counts(3, 1)]);
  assert.deepEqual(body.data.months.map((month: any) => [month.timestamp.slice(0, 7), month.counts?.clients, month.new_clients?.counts.clients]), [["2026-01", 3, 3], ["2026-02", 3, 1], ["2026-03", undefined, undefined]]); // eslint-disable-line @typescript-eslint/no-explicit-any -- a test says what it expects by asserting it
  const february = (await ask("read", ACTIVITY, undefined, { query: { start_time: "2026-02-01T00:00:00Z", end_time: "2026-02-28T00:00:00Z" } })).body.data;
  assert.deepEqual([february.total, february.months[0].new_clients.counts], [counts(2, 1), counts(2, 1)]);
  assert.deepEqual((await ask("read", ACTIVITY, undefined, { query: { start_time: "2026-02-01T00:00:00Z", end_time: "2026-01-01T00:00:00Z" } })).body.errors, ["start_time is later than end_time"]);
  assert.equal((await ask("read", ACTIVITY, undefined, { query: { start_time: "2025-01-01T00:00:00Z", end_time: "2025-06-01T00:00:00Z" } })).status, 204);
});

test("a mount that was moved is shown where it is, one that is gone by its accessor", async () => {
  const rig = await service();
  const { ask, login, expire } = rig;
  await login("ann@corp");
  await settle(rig);
  const paths = async () => (await ask("read", `${ACTIVITY}/monthly`)).body.data.by_namespace[0].mounts.map(({ mount_path: path }: { mount_path: string }) => path);
  await ask("update", "sys/remount", { from: "auth/login", to: "auth/people" });
  assert.deepEqual(await paths(), ["auth/people/"]);
  const { accessor } = (await ask("read", "sys/auth/people")).body.data;
  await ask("delete", "sys/auth/people");
  await expire();
  assert.deepEqual(await paths(), [`deleted mount; accessor ${JSON.stringify(accessor)}`]);
});

test("what a standby saw is handed on, and kept until somebody took it", async () => {
  const { activity, store, env, token, use, advance, ask } = await service();
  const standby = createActivityRecorder({ store, env });
  standby.seen({ entityId: "8d1b6b9c-1f0b-4f4c-9c61-0a2c6f3f8a10", policies: ["reader"], mountUuid: "" });
  standby.seen({ entityId: "", policies: ["reader", "default"], mountUuid: "" });
  await standby.handOn(10, () => Promise.resolve(false));
  assert.equal(standby.waiting().length, 2);
  await standby.handOn(1, (clients) => Promise.resolve(void activity.hear(clients)).then(() => true));
  assert.deepEqual([standby.waiting().length, activity.waiting().length], [1, 1]);
  await standby.handOn(10, (clients) => Promise.resolve(void activity.hear(clients)).then(() => true));
  standby.seen({ entityId: "", policies: ["default", "reader"], mountUuid: "" });
  assert.equal(standby.waiting().length, 0, "once a month");
  await use(await token(["reader"]));
  advance(11);
  while (await activity.step());
  assert.equal((await ask("read", `${ACTIVITY}/monthly`)).body.data.clients, 3);
});

test("counting is turned off, which discards the month, and on again, which begins anew", async () => {
  const rig = await service();
  const { ask, use, token, stored, advance, login } = rig;
  const config = async () => (await ask("read", "sys/internal/counters/config")).body.data;
  assert.deepEqual(await config(), { billing_start_timestamp: "2025-02-01T00:00:00Z", default_report_months: 12, enabled: "default-enabled", minimum_retention_months: 0, queries_available: false, reporting_enabled: false, retention_months: 48 });
  const one = await token(["reader"], { ttl: 90 * DAY });
  await use(one);
  await settle(rig);
  advance(31 * DAY);
  await login("ann@corp");
  await settle(rig);
  assert.equal((await stored()).length, 2);
  const off = await ask("update", "sys/internal/counters/config", { enabled: "disable" });
  assert.deepEqual([off.status, off.body.warnings], [200, ["the current monthly segment will be deleted because the activity log was disabled"]]);
  await use(one);
  await settle(rig);
  advance(3600);
  await settle(rig);
  assert.deepEqual((await stored()).map((key) => key.slice(0, 7)), ["2026-01"]);
  assert.deepEqual([(await config()).enabled, (await ask("read", `${ACTIVITY}/monthly`)).status], ["disable", 204]);
  assert.equal((await ask("update", "sys/internal/counters/config", { enabled: "enable" })).status, 204);
  await use(one);
  // What was passed before it was turned on is noticed with the next look at the settings.
  await settle(rig);
  await use(one);
  await settle(rig);
  assert.deepEqual((await stored()).map((key) => key.slice(0, 7)), ["2026-01", "2026-02"]);
  const refused = async (body: object) => (await ask("update", "sys/internal/counters/config", body)).body.errors[0];
  assert.equal(await refused({ enabled: "perhaps" }), 'enabled must be one of "default", "enable", "disable"');
  assert.equal(await refused({ retention_months: -1 }), "retention_months must be greater than or equal to 0");
  assert.equal(await refused({ retention_months: 0 }), "retention_months cannot be 0 while enabled");
  assert.deepEqual((await ask("update", "sys/internal/counters/config", { retention_months: 100 })).body.warnings, ["retention_months cannot be greater than 60; capped to 60."]);
  assert.equal((await config()).retention_months, 60);
});

test("months that are kept no longer are deleted in slices", async () => {
  const rig = await service();
  const { ask, store, env, activity, stored, advance } = rig;
  for (let i = 0; i < 700; i++) activity.hear([{ id: `client-${i}`, kind: "entity", mountUuid: "", firstMs: env.now() }]);
  await settle(rig);
  assert.equal((await stored()).length, 700);
  await ask("update", "sys/internal/counters/config", { retention_months: 1 });
  advance(31 * DAY);
  activity.hear([{ id: "now", kind: "entity", mountUuid: "", firstMs: env.now() }]);
  const before = store.index();
  await settle(rig);
  assert.deepEqual([(await stored()).length, store.index() - before >= 4], [1, true]);
});

test("the export names each client once, as lines of JSON or CSV, to those with sudo", async () => {
  const rig = await service();
  const { ask, login, use, token, advance, env } = rig;
  assert.equal((await ask("read", `${ACTIVITY}/export`)).status, 204);
  const at = new Date(env.now()).toISOString().replace(".000", "");
  await login("=ann@corp");
  await use(await token(["reader"]));
  await settle(rig);
  advance(31 * DAY);
  await login("=ann@corp");
  const { text, contentType } = await ask("read", `${ACTIVITY}/export`);
  assert.equal(contentType, "application/json");
  const records = text.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(records.length, 2);
  const ann = records.find(({ client_type: type }) => type === "entity")!;
  assert.deepEqual([ann["entity_alias_name"], ann["mount_path"], ann["mount_type"], ann["timestamp"], ann["namespace_id"]], ["=ann@corp", "auth/login/", "login", at, "root"]);
  const csv = (await ask("read", `${ACTIVITY}/export`, undefined, { query: { format: "csv" } })).text.split("\n");
  assert.deepEqual([csv[0]!.split(",").slice(0, 4), csv.length], [["entity_name", "entity_alias_name", "local_entity_alias", "client_id"], 4]);
  assert.ok(csv.some((line) => line.includes(",'=ann@corp,")));
  assert.equal((await ask("read", `${ACTIVITY}/export`, undefined, { query: { format: "xml" } })).status, 400);
  assert.equal((await ask("read", `${ACTIVITY}/export`, undefined, { token: await token(["reader"]) })).status, 403);
});

test("no more clients wait than there is room for, and nobody is forgotten for good", async () => {
  const rig = await service();
  const { activity, env, stored } = rig;
  const many = Array.from({ length: 50_010 }, (_, i) => ({ id: `c${i}`, kind: "entity" as const, mountUuid: "", firstMs: env.now() }));
  activity.hear(many);
  assert.equal(activity.waiting().length, 50_000);
  await settle(rig);
  activity.hear(many);
  await settle(rig);
  assert.equal((await stored()).length, 50_010);
});
