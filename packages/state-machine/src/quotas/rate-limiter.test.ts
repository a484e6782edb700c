import assert from "node:assert/strict";
import { test } from "node:test";
import { quotaSettings, rateLimits } from "./quota.js";
import { createRateLimiter } from "./rate-limiter.js";
import { createRig } from "../testing/rig.js";
import type { Rig } from "../testing/rig.js";

const limit = (rig: Rig, name: string, body: object) => rig.ask("update", `sys/quotas/rate-limit/${name}`, body);

function limiterOf({ store, env }: Rig) {
  const limiter = createRateLimiter({ read: () => store.evaluate((tx) => ({ table: rateLimits(tx.scoped("core/")), settings: quotaSettings(tx.scoped("core/")) })).value, now: env.now });
  const take = (path: string, remoteAddress = "10.0.0.1", role?: string) => limiter.take({ path, remoteAddress }, () => role);
  return { limiter, take };
}

test("each client's address has its requests an interval, and is told when the next one begins", async () => {
  const rig = await createRig();
  assert.equal((await limit(rig, "all", { rate: 2, interval: "10s" })).status, 204);
  const { take } = limiterOf(rig);
  assert.deepEqual([take("kv/a"), take("kv/a"), take("kv/a")].map((verdict) => [verdict!.isAllowed, verdict!.remaining]), [[true, 1], [true, 0], [false, 0]]);
  assert.equal(take("kv/a", "10.0.0.2")!.isAllowed, true);
  rig.advance(4);
  assert.deepEqual([take("kv/a")!.isAllowed, take("kv/a")!.resetSeconds], [false, 6]);
  rig.advance(6);
  assert.equal(take("kv/a")!.isAllowed, true);
});

test("with block_interval a client that asked too often is refused until it is over, whatever the interval", async () => {
  const rig = await createRig();
  await limit(rig, "all", { rate: 1, block_interval: 30 });
  const { take } = limiterOf(rig);
  take("kv/a");
  assert.deepEqual([take("kv/a")!.isAllowed, take("kv/a")!.resetSeconds], [false, 30]);
  rig.advance(29);
  assert.equal(take("kv/a")!.isAllowed, false);
  rig.advance(1);
  assert.equal(take("kv/a")!.isAllowed, true);
});

test("the most specific quota decides: role, path, the longest path*, mount, everything", async () => {
  const rig = await createRig();
  const { limiter, take } = limiterOf(rig);
  assert.equal(take("kv/a"), undefined);
  const quotas: [string, object][] = [["all", {}], ["kv", { path: "kv" }], ["glob", { path: "kv/app*" }], ["longer", { path: "/kv/app/x*" }], ["exact", { path: "kv/app/xy" }], ["login", { path: "auth/login" }], ["bob", { path: "auth/login/", role: "bob" }]];
  for (const [name, scope] of quotas) assert.deepEqual((await limit(rig, name, { rate: 1000, ...scope })).status, 204, name);
  limiter.reload();
  const name = (path: string, role?: string) => take(path, "a", role)?.quota.name;
  assert.deepEqual(["sys/mounts", "kv/z", "kv", "kv/", "kv/apple", "kv/app/xz", "kv/app/xy", "kv/app/xy/", "kvx/a"].map((path) => name(path)), ["all", "kv", "kv", "kv", "glob", "longer", "exact", "exact", "all"]);
  assert.deepEqual([name("auth/login/login/bob", "bob"), name("auth/login/login/eve", "eve")], ["bob", "login"]);
  assert.deepEqual((await rig.ask("read", "sys/quotas/rate-limit/glob")).body.data, { block_interval: 0, inheritable: false, interval: 1, name: "glob", path: "kv/app*", rate: 1000, role: "", type: "rate-limit" });
  assert.deepEqual((await rig.ask("list", "sys/quotas/rate-limit/")).body.data.keys, ["all", "bob", "exact", "glob", "kv", "login", "longer"]);
});

test("what may rescue a cluster is exempt at first; settings are written as a whole", async () => {
  const rig = await createRig();
  await limit(rig, "all", { rate: 1 });
  const { limiter, take } = limiterOf(rig);
  assert.equal(take("sys/health"), undefined);
  assert.equal((await rig.ask("read", "sys/quotas/config")).body.data.rate_limit_exempt_paths.length, 7);
  await rig.ask("update", "sys/quotas/config", { rate_limit_exempt_paths: ["/kv/free*", "sys/leader"], enable_rate_limit_response_headers: true });
  limiter.reload();
  assert.deepEqual([take("kv/freedom"), take("sys/leader")], [undefined, undefined]);
  assert.equal(take("sys/health")!.isAllowed, true);
  assert.deepEqual((await rig.ask("read", "sys/quotas/config")).body.data, { enable_rate_limit_audit_logging: false, enable_rate_limit_response_headers: true, rate_limit_exempt_paths: ["kv/free*", "sys/leader"] });
  assert.equal(limiter.settings().sendsHeaders, true);
});

test("quotas go where their mount goes, and away with it", async () => {
  const rig = await createRig();
  await limit(rig, "kv", { rate: 1, path: "kv/a*" });
  await rig.ask("update", "sys/quotas/lease-count/kv", { max_leases: 1, path: "kv" });
  await rig.ask("update", "sys/remount", { from: "kv", to: "moved" });
  assert.equal((await rig.ask("read", "sys/quotas/rate-limit/kv")).body.data.path, "moved/a*");
  assert.equal((await rig.ask("read", "sys/quotas/lease-count/kv")).body.data.path, "moved/");
  await rig.ask("delete", "sys/mounts/moved");
  for (const kind of ["rate-limit", "lease-count"]) assert.equal((await rig.ask("read", `sys/quotas/${kind}/kv`)).status, 404);
});

test("bad input is a 400 that says what is wrong, and writes nothing", async () => {
  const rig = await createRig();
  await limit(rig, "first", { rate: 1 });
  const before = rig.store.index();
  const wrong: [string, object][] = [
    ["x", {}], ["x", { rate: -1 }], ["x", { rate: "many" }], ["x", { rate: 1e300 }], ["x", { rate: {} }], ["x", { rate: 1, interval: -1 }], ["x", { rate: 1, interval: "soon" }], ["x", { rate: 1, interval: 1e12 }],
    ["x", { rate: 1, block_interval: -5 }], ["x", { rate: 1, path: "nowhere/x" }], ["x", { rate: 1, path: "kv/../sys" }], ["x", { rate: 1, path: "kv/*/b" }], ["x", { rate: 1, path: "kv/\u0000" }], ["x", { rate: 1, path: "k".repeat(5000) }],
    ["x", { rate: 1, path: ["a", "b"] }], ["x", { rate: 1, role: "r" }], ["x", { rate: 1, path: "kv", role: "r" }], ["x", { rate: 1, path: "auth/login/x", role: "r" }], ["x", { rate: 1, path: "auth/token", role: "r" }],
    ["x", { rate: 1, inheritable: "perhaps" }], ["x", { rate: 1 }], ["sch\u00f6n", { rate: 1, path: "kv" }], ["n".repeat(300), { rate: 1, path: "kv" }],
  ];
  for (const [name, body] of wrong) {
    const { status, body: answer } = await limit(rig, name, body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.doesNotMatch(answer.errors[0], /\n +at /);
  }
  for (const body of [{ max_leases: 0 }, { max_leases: -1 }, { max_leases: "x" }, { max_leases: 1e15 }, { max_leases: 1.5 }, { max_leases: 1, path: "nope" }]) assert.equal((await rig.ask("update", "sys/quotas/lease-count/x", body)).status, 400, JSON.stringify(body));
  for (const paths of [["../x"], ["a*b"], ["\u0001"], [""], { a: 1 }]) assert.equal((await rig.ask("update", "sys/quotas/config", { rate_limit_exempt_paths: paths })).status, 400, JSON.stringify(paths));
  assert.equal(rig.store.index(), before);
  assert.equal((await rig.ask("delete", "sys/quotas/rate-limit/unknown")).status, 204);
});
