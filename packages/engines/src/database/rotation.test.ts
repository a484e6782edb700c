import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { postgresProgram } from "@coffer/counterparts";
import { dieBeforeCommit, FIRST_PASSWORD, intents, postgresFixture } from "../testing/postgres-fixture.js";
import type { PostgresFixture } from "../testing/postgres-fixture.js";

describe("passwords of PostgreSQL", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, () => {
  let db: PostgresFixture;
  before(async () => {
    db = await postgresFixture();
  });
  after(() => db.stop());

  test("rotate-root: the old password fails, and the connection goes on", async () => {
    const { request, root, creds, close } = await db.service();
    assert.equal((await request("POST", "database/rotate-root/pg")).status, 204);
    assert.equal(await db.logsIn(root, FIRST_PASSWORD), false);
    const { username, password } = await creds();
    assert.equal(await db.logsIn(username, password), true);
    assert.equal((await request("POST", "database/reset/pg")).status, 204);
    await creds();
    await close();
  });

  test("connections are closed when theirs is reset, changed or deleted", async () => {
    const { request, creds, root } = await db.service();
    for (const [method, path, body] of [["POST", "reset/pg", undefined], ["POST", "config/pg", { max_open_connections: 2 }], ["DELETE", "config/pg", undefined]] as const) {
      await creds();
      assert.equal(await db.sessionsOf(root), 1, path);
      assert.equal((await request(method, `database/${path}`, body)).status, 204);
      // The server notices a moment later.
      for (let i = 0; i < 200 && (await db.sessionsOf(root)) > 0; i++);
      assert.equal(await db.sessionsOf(root), 0, path);
    }
  });

  test("rotate-root that dies midway: the stored password is the database's again", async () => {
    const one = await db.service();
    const { request, root, clock, doDueWork, creds, close } = one;
    const { dead, revive } = dieBeforeCommit(one);
    void request("POST", "database/rotate-root/pg");
    await dead;
    revive();
    assert.equal(await db.logsIn(root, FIRST_PASSWORD), false);
    clock.advance(60);
    await doDueWork();
    assert.equal(await db.logsIn(root, FIRST_PASSWORD), true);
    assert.equal(await intents(one), 0);
    await creds();
    await close();
  });

  test("the rotation of a static role that dies midway leaves the password that is stored", async () => {
    const one = await db.service();
    const { request, clock, doDueWork, close } = one;
    await db.run("CREATE ROLE half LOGIN PASSWORD 'old'; GRANT SELECT ON things TO half");
    await request("POST", "database/static-roles/half", { db_name: "pg", username: "half", rotation_period: "24h" });
    const { password } = (await request("GET", "database/static-creds/half")).body["data"];
    const { dead, revive } = dieBeforeCommit(one);
    void request("POST", "database/rotate-role/half");
    await dead;
    revive();
    assert.equal(await db.logsIn("half", password), false);
    clock.advance(60);
    await doDueWork();
    assert.equal(await db.logsIn("half", password), true);
    assert.equal((await request("GET", "database/static-creds/half")).body["data"].password, password);
    await close();
  });

  test("a static role's password is changed at once, by its period, and on demand", async () => {
    const { request, clock, doDueWork, close } = await db.service();
    await db.run("CREATE ROLE worker LOGIN PASSWORD 'old'; GRANT SELECT ON things TO worker");
    assert.equal((await request("POST", "database/static-roles/worker", { db_name: "pg", username: "worker", rotation_period: "1h" })).status, 204);
    assert.equal(await db.logsIn("worker", "old"), false);
    const read = async () => (await request("GET", "database/static-creds/worker")).body["data"] as Record<string, unknown>;
    const first = await read();
    assert.deepEqual({ ...first, password: "" }, { username: "worker", password: "", ttl: 3600, rotation_period: 3600, last_vault_rotation: new Date(clock.now()).toISOString() });
    assert.equal(await db.logsIn("worker", String(first["password"])), true);
    clock.advance(3599);
    await doDueWork();
    assert.deepEqual({ ...(await read()), ttl: 3600 }, first);
    clock.advance(1);
    await doDueWork();
    const second = await read();
    assert.equal(await db.logsIn("worker", String(first["password"])), false);
    assert.equal(await db.logsIn("worker", String(second["password"])), true);
    assert.equal((await request("POST", "database/rotate-role/worker")).status, 204);
    assert.equal(await db.logsIn("worker", String(second["password"])), false);
    assert.equal(await db.logsIn("worker", String((await read())["password"])), true);
    assert.equal((await request("DELETE", "database/static-roles/worker")).status, 204);
    clock.advance(7200);
    await doDueWork();
    assert.deepEqual(await db.rolesLike("worker"), ["worker"]);
    await close();
  });

  test("a schedule that was missed by more than its window waits for its next time", async () => {
    const { request, clock, doDueWork, logged, close } = await db.service();
    await db.run("CREATE ROLE nightly LOGIN PASSWORD 'old'; GRANT SELECT ON things TO nightly");
    const midnight = new Date(clock.now()).setUTCHours(24, 0, 0, 0);
    clock.advance((midnight - clock.now()) / 1000 + 60);
    await request("POST", "database/static-roles/nightly", { db_name: "pg", username: "nightly", rotation_schedule: "0 3 * * *", rotation_window: "1h" });
    const read = async () => (await request("GET", "database/static-creds/nightly")).body["data"] as Record<string, unknown>;
    const first = await read();
    assert.equal(first["ttl"], 3 * 3600 - 60);
    assert.deepEqual([first["rotation_schedule"], first["rotation_window"], first["rotation_period"]], ["0 3 * * *", 3600, undefined]);
    clock.advance(5 * 3600);
    await doDueWork();
    const second = await read();
    assert.deepEqual([second["password"], second["ttl"]], [first["password"], 22 * 3600 - 60]);
    assert.deepEqual(logged, [{ mount: "database/", level: "warn", message: "the rotation of a static role missed its window and waits for the next time", fields: { role: "nightly" } }]);
    clock.advance(22 * 3600);
    await doDueWork();
    const third = await read();
    assert.notEqual(third["password"], first["password"]);
    assert.equal(await db.logsIn("nightly", String(third["password"])), true);
    await close();
  });

  test("a rotation that fails is repeated later, says so, and keeps no other role from its own", async () => {
    const { request, clock, doDueWork, logged, close } = await db.service();
    await db.run("CREATE ROLE lost LOGIN PASSWORD 'old'; CREATE ROLE found LOGIN PASSWORD 'old'; GRANT SELECT ON things TO found");
    for (const username of ["lost", "found"]) await request("POST", `database/static-roles/${username}`, { db_name: "pg", username, rotation_period: "60" });
    const read = async (name: string) => request("GET", `database/static-creds/${name}`);
    const before = (await read("found")).body["data"].password as string;
    await db.run("DROP ROLE lost");
    clock.advance(60);
    await doDueWork().catch(() => undefined);
    const found = await read("found");
    assert.notEqual(found.body["data"].password, before);
    assert.equal(await db.logsIn("found", found.body["data"].password), true);
    assert.match((await read("lost")).body.warnings![0]!, /role "lost" does not exist/);
    assert.deepEqual(logged, [{ mount: "database/", level: "warn", message: "the rotation of a static role failed; will be tried again", fields: { role: "lost", failures: 1, reason: 'role "lost" does not exist' } }]);
    await db.run("CREATE ROLE lost LOGIN; GRANT SELECT ON things TO lost");
    clock.advance(10);
    await doDueWork();
    const lost = await read("lost");
    assert.equal(lost.body.warnings, null);
    assert.equal(await db.logsIn("lost", lost.body["data"].password), true);
    await close();
  });
});
