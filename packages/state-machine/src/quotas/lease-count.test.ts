import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "../testing/rig.js";
import type { Rig } from "../testing/rig.js";

const limit = async (rig: Rig, name: string, body: object) => assert.equal((await rig.ask("update", `sys/quotas/lease-count/${name}`, body)).status, 204);
const counted = async (rig: Rig, name: string) => (await rig.ask("read", `sys/quotas/lease-count/${name}`)).body.data.counter as number;
const creds = (rig: Rig) => rig.ask("read", "leased/creds/r");
const login = (rig: Rig, name = "bob") => rig.ask("update", `auth/login/login/${name}`, { password: "let-me-in" }, { token: null });

test("no more leases than the quota has are ever given out, however many ask at once", async () => {
  const rig = await createRig();
  await limit(rig, "leased", { path: "leased", max_leases: 100 });
  const answers = await Promise.all(Array.from({ length: 130 }, () => creds(rig)));
  const given = answers.filter(({ status }) => status === 200).length;
  assert.equal(given, await counted(rig, "leased"));
  // Some may have lost to others too often; none too many got one.
  assert.ok(given <= 100 && given > 50, String(given));
  for (let left = 100 - given; left > 0; left--) assert.equal((await creds(rig)).status, 200);
  const refused = await creds(rig);
  assert.deepEqual([refused.status, refused.body.errors], [429, ['request path "leased/creds/r": lease count quota exceeded']]);
  assert.equal(await counted(rig, "leased"), 100);
});

test("a lease that ends makes room: revoked, or by its time", async () => {
  const rig = await createRig();
  await limit(rig, "leased", { path: "leased/creds/*", max_leases: 2 });
  const { body } = await creds(rig);
  await creds(rig);
  assert.equal((await creds(rig)).status, 429);
  await rig.ask("update", "sys/leases/revoke", { lease_id: body.lease_id, sync: true });
  assert.equal((await creds(rig)).status, 200);
  assert.equal((await creds(rig)).status, 429);
  rig.advance(61);
  await rig.expire();
  assert.equal(await counted(rig, "leased"), 0);
});

test("logins count, by role too; batch tokens and what a refused login would have made do not", async () => {
  const rig = await createRig();
  await limit(rig, "bob", { path: "auth/login", role: "bob", max_leases: 1 });
  await limit(rig, "others", { path: "auth/login", max_leases: 2 });
  assert.deepEqual([(await login(rig)).status, (await login(rig)).status, (await login(rig, "eve")).status], [200, 429, 200]);
  assert.deepEqual([await counted(rig, "bob"), await counted(rig, "others")], [1, 1]);
  await rig.ask("update", "sys/auth/login/tune", { token_type: "batch" });
  assert.equal((await login(rig)).status, 200);
  rig.advance(3601);
  await rig.expire();
  assert.deepEqual([await counted(rig, "bob"), await counted(rig, "others")], [0, 0]);
});

test("a quota with a role counts the logins by that role from before it, and takes them from the mount's", async () => {
  const rig = await createRig();
  for (const name of ["bob", "bob", "eve"]) assert.equal((await login(rig, name)).status, 200);
  await limit(rig, "all", { path: "auth/login", max_leases: 10 });
  await limit(rig, "bob", { path: "auth/login", role: "bob", max_leases: 3 });
  assert.deepEqual([await counted(rig, "all"), await counted(rig, "bob")], [1, 2]);
  assert.deepEqual([(await login(rig)).status, (await login(rig)).status], [200, 429]);
  rig.advance(3601);
  await rig.expire();
  assert.deepEqual([await counted(rig, "all"), await counted(rig, "bob")], [0, 0]);
});

test("a quota counts what is there when it comes, takes it from a less specific one, and stays exact when its maximum shrinks", async () => {
  const rig = await createRig();
  const leases: string[] = [];
  for (let i = 0; i < 5; i++) leases.push((await creds(rig)).body.lease_id);
  await login(rig);
  await limit(rig, "all", { max_leases: 50 });
  assert.equal(await counted(rig, "all"), 6);
  await limit(rig, "leased", { path: "leased", max_leases: 3 });
  assert.deepEqual([await counted(rig, "all"), await counted(rig, "leased")], [1, 5]);
  const end = (id: string) => rig.ask("update", "sys/leases/revoke", { lease_id: id, sync: true });
  for (const [i, status] of [429, 429, 200].entries()) {
    await end(leases[i]!);
    assert.equal((await creds(rig)).status, status, `after ${i + 1} of 5 ended`);
  }
  await limit(rig, "leased", { path: "leased", max_leases: 3 });
  assert.equal(await counted(rig, "leased"), 3, "writing it again counts nothing twice");
  assert.equal((await rig.ask("delete", "sys/quotas/lease-count/leased")).status, 204);
  await end(leases[3]!);
  assert.equal((await creds(rig)).status, 200);
});
