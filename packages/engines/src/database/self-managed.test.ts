import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { postgresProgram } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";
import { dieBeforeCommit, intents, postgresFixture } from "../testing/postgres-fixture.js";
import type { PostgresFixture } from "../testing/postgres-fixture.js";

describe("static roles whose password is known", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, () => {
  let db: PostgresFixture;
  before(async () => {
    db = await postgresFixture();
  });
  after(() => db.stop());

  async function rootless() {
    const harness = await createHarness();
    await harness.mount("database", "database");
    const config = { plugin_name: "postgresql-database-plugin", connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${db.server.port}/postgres`, self_managed: true, allowed_roles: "*" };
    const { status, text } = await harness.request("POST", "database/config/pg", config);
    assert.equal(status, 204, text);
    const creds = async (name: string) => (await harness.request("GET", `database/static-creds/${name}`)).body["data"] as { password: string; last_vault_rotation: string };
    return { ...harness, config, creds };
  }
  const login = (name: string) => db.run(`CREATE ROLE ${name} LOGIN PASSWORD 'old'; GRANT SELECT ON things TO ${name}`);

  test("without a user of the connection's own, each changes its own", async () => {
    const { request, clock, doDueWork, creds } = await rootless();
    await login("alone");
    const { connection_details, verify_connection } = (await request("GET", "database/config/pg")).body["data"];
    assert.deepEqual([connection_details.self_managed, verify_connection], [true, false]);
    const made = await request("POST", "database/static-roles/alone", { db_name: "pg", username: "alone", password: "old", rotation_period: 60 });
    assert.equal(made.status, 204, made.text);
    assert.equal(await db.logsIn("alone", "old"), false);
    const first = await creds("alone");
    assert.equal(await db.logsIn("alone", first.password), true);
    clock.advance(60);
    await doDueWork();
    const second = await creds("alone");
    assert.equal(await db.logsIn("alone", first.password), false);
    assert.equal(await db.logsIn("alone", second.password), true);
    // Somebody else has changed it: it can be told.
    await db.run("ALTER ROLE alone PASSWORD 'reset'");
    assert.equal((await request("POST", "database/rotate-role/alone")).status, 500);
    assert.equal((await request("POST", "database/static-roles/alone", { self_managed_password: "reset" })).status, 204);
    assert.equal((await request("POST", "database/rotate-role/alone")).status, 204);
    assert.equal(await db.logsIn("alone", (await creds("alone")).password), true);
  });

  test("a change that dies midway is undone, of a role that there is and of one that never came to be", async () => {
    const one = await rootless();
    await login("torn");
    for (const [path, body] of [["static-roles/torn", { db_name: "pg", username: "torn", password: "old", rotation_period: "24h" }], ["rotate-role/torn", undefined]] as const) {
      const before = path === "rotate-role/torn" ? (await one.creds("torn")).password : "old";
      const { dead, revive } = dieBeforeCommit(one);
      void one.request("POST", `database/${path}`, body);
      await dead;
      revive();
      assert.equal(await db.logsIn("torn", before), false);
      one.clock.advance(60);
      await one.doDueWork();
      assert.equal(await db.logsIn("torn", before), true);
      assert.equal(await intents(one), 0);
      if (body) assert.equal((await one.request("POST", `database/${path}`, body)).status, 204);
    }
  });

  test("what cannot be on such a connection is refused", async () => {
    const { request, config } = await rootless();
    const refused = async (path: string, body: Record<string, unknown>, words: RegExp) => {
      const { status, text, body: answer } = await request("POST", `database/${path}`, body);
      assert.equal(status, 400, text);
      assert.match(answer.errors![0]!, words);
    };
    await refused("config/pg", { username: "root" }, /self_managed excludes username and password/);
    await refused("config/other", { ...config, connection_url: "postgresql://127.0.0.1/postgres" }, /needs \{\{username\}\} in its connection_url/);
    await refused("config/other", { ...config, plugin_name: "mysql-database-plugin" }, /self_managed is not supported by mysql-database-plugin/);
    await refused("config/pg", { rotation_period: 60 }, /no username in configuration/);
    await refused("rotate-root/pg", {}, /no username in configuration/);
    await refused("static-roles/x", { db_name: "pg", username: "x", rotation_period: 60 }, /password is required on a self_managed connection/);
    await request("POST", "database/roles/dynamic", { db_name: "pg", creation_statements: "SELECT 1" });
    const { status, body } = await request("GET", "database/creds/dynamic");
    assert.equal(status, 400);
    assert.match(body.errors![0]!, /for static roles only/);
  });

  test("the first rotation can be skipped, by role or by connection", async () => {
    const one = await db.service({ skip_static_role_import_rotation: true });
    const { request, clock, doDueWork } = one;
    await login("kept");
    await login("turned");
    assert.equal((await request("GET", "database/config/pg")).body["data"].skip_static_role_import_rotation, true);
    const role = { db_name: "pg", rotation_period: "1h" };
    assert.equal((await request("POST", "database/static-roles/kept", { ...role, username: "kept" })).status, 400);
    assert.equal((await request("POST", "database/static-roles/kept", { ...role, username: "kept", password: "old" })).status, 204);
    assert.equal((await request("POST", "database/static-roles/turned", { ...role, username: "turned", skip_import_rotation: false })).status, 204);
    assert.equal(await db.logsIn("turned", "old"), false);
    const read = async () => (await request("GET", "database/static-creds/kept")).body["data"];
    assert.deepEqual(await read(), { username: "kept", password: "old", ttl: 3600, rotation_period: 3600, last_vault_rotation: "0001-01-01T00:00:00Z" });
    assert.deepEqual((await request("GET", "database/static-roles/kept")).body["data"], { db_name: "pg", username: "kept", rotation_statements: [], credential_type: "password", rotation_period: 3600, skip_import_rotation: true });
    assert.equal((await request("POST", "database/static-roles/kept", { password: "other" })).status, 400);
    assert.match((await request("POST", "database/static-roles/kept", { skip_import_rotation: false })).body.warnings![0]!, /no effect/);
    clock.advance(3600);
    await doDueWork();
    assert.equal(await db.logsIn("kept", "old"), false);
    assert.equal(await db.logsIn("kept", (await read()).password), true);
    await one.close();
  });
});
