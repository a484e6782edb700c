import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createConnection } from "mysql2/promise";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { mariaDbProgram, startMariaDb } from "@coffer/counterparts";
import type { MariaDb } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";
import { dieBeforeCommit, intents } from "../testing/postgres-fixture.js";

const CREATE = "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON app.* TO '{{name}}'@'%';";

describe("MariaDB", { skip: mariaDbProgram() === undefined && "MariaDB is not installed" }, () => {
  let server: MariaDb;
  let admin: Connection;
  before(async () => {
    server = await startMariaDb();
    admin = await connect(server.superuser, server.password);
  });
  after(async () => {
    await admin.end();
    await server.stop();
  });

  const connect = (user: string, password: string) => createConnection({ host: "127.0.0.1", port: server.port, user, password });
  async function logsIn(user: string, password: string): Promise<boolean> {
    try {
      const own = await connect(user, password);
      await own.query("USE app");
      await own.end();
      return true;
    } catch {
      return false;
    }
  }
  const users = async (like: string) => (await admin.query<RowDataPacket[]>("SELECT user FROM mysql.user WHERE user LIKE ?", [like]))[0].map(({ user }) => user as string);

  async function service(config: Record<string, unknown> = {}, role: Record<string, unknown> = {}) {
    const harness = await createHarness();
    await harness.mount("database", "database");
    const written = await harness.request("POST", "database/config/maria", { plugin_name: "mysql-database-plugin", connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${server.port})/`, username: server.superuser, password: server.password, allowed_roles: "app,worker", ...config });
    assert.equal(written.status, 204, written.text);
    assert.equal((await harness.request("POST", "database/roles/app", { db_name: "maria", creation_statements: CREATE, default_ttl: "1h", ...role })).status, 204);
    const creds = async () => {
      const { status, body, text } = await harness.request("GET", "database/creds/app");
      assert.equal(status, 200, text);
      return { username: body["data"].username as string, password: body["data"].password as string, lease: body["lease_id"] as string };
    };
    return { ...harness, creds, close: () => harness.request("DELETE", "database/config/maria") };
  }

  test("credentials log in until their lease ends; renewing it leaves them", async () => {
    const { creds, request, clock, doDueWork, close } = await service();
    const { username, password, lease } = await creds();
    assert.match(username, /^v-root-app-[A-Za-z0-9]{20}-$/);
    assert.equal(await logsIn(username, password), true);
    assert.equal((await request("POST", "sys/leases/renew", { lease_id: lease, increment: 7200 })).body["lease_duration"], 7200);
    clock.advance(7199);
    await doDueWork();
    assert.equal(await logsIn(username, password), true);
    clock.advance(1);
    await doDueWork();
    assert.equal(await logsIn(username, password), false);
    assert.deepEqual(await users(username), []);
    await close();
  });

  test("a user that is gone already is no trouble for its revocation, with statements or without", async () => {
    for (const revocation_statements of ["", "DROP USER '{{name}}'@'%'"]) {
      const { creds, request, close } = await service({}, { revocation_statements });
      const { username, lease } = await creds();
      await admin.query(`DROP USER '${username}'@'%'`);
      assert.equal((await request("POST", "sys/leases/revoke", { lease_id: lease, sync: true })).status, 204);
      await close();
    }
  });

  test("the older names of the plugin make names of 16 characters", async () => {
    for (const plugin_name of ["mysql-rds-database-plugin", "mysql-aurora-database-plugin", "mysql-legacy-database-plugin"]) {
      const { creds, request, close } = await service({ plugin_name });
      const { username, lease } = await creds();
      assert.match(username, /^v-app-[A-Za-z0-9]{10}$/);
      assert.equal((await request("POST", "sys/leases/revoke", { lease_id: lease, sync: true })).status, 204);
      await close();
    }
  });

  test("a user that is made although a later statement fails is removed again: such statements commit by themselves", async () => {
    const { request, doDueWork, close } = await service({}, { creation_statements: `${CREATE} GRANT SELECT ON nowhere.nothing TO 'nobody'@'%'` });
    const { status, body } = await request("GET", "database/creds/app");
    assert.equal(status, 500);
    assert.doesNotMatch(body.errors![0]!, new RegExp(server.password));
    assert.equal((await users("v-root-app-%")).length, 1);
    await doDueWork();
    assert.deepEqual(await users("v-root-app-%"), []);
    await close();
  });

  test("a crash after the user was made leaves no user", async () => {
    const one = await service();
    const { dead, revive } = dieBeforeCommit(one);
    void one.request("GET", "database/creds/app");
    await dead;
    revive();
    assert.deepEqual([(await users("v-root-app-%")).length, await intents(one)], [1, 1]);
    one.clock.advance(600);
    await one.doDueWork();
    assert.deepEqual([(await users("v-root-app-%")).length, await intents(one)], [0, 0]);
    await one.close();
  });

  test("rotate-root, and a static role", async () => {
    await admin.query("CREATE USER 'chief'@'%' IDENTIFIED BY 'first@/:'; ".replace("; ", ""));
    await admin.query("GRANT ALL PRIVILEGES ON *.* TO 'chief'@'%' WITH GRANT OPTION");
    await admin.query("CREATE USER 'worker'@'%' IDENTIFIED BY 'old'");
    await admin.query("GRANT SELECT ON app.* TO 'worker'@'%'");
    const { request, creds, clock, doDueWork, close } = await service({ username: "chief", password: "first@/:" });
    assert.equal((await request("POST", "database/rotate-root/maria")).status, 204);
    assert.equal(await logsIn("chief", "first@/:"), false);
    const { username, lease } = await creds();
    assert.equal((await request("POST", "database/static-roles/worker", { db_name: "maria", username: "worker", rotation_period: 60 })).status, 204);
    const first = (await request("GET", "database/static-creds/worker")).body["data"].password as string;
    assert.deepEqual([await logsIn("worker", "old"), await logsIn("worker", first)], [false, true]);
    clock.advance(60);
    await doDueWork();
    const second = (await request("GET", "database/static-creds/worker")).body["data"].password as string;
    assert.deepEqual([await logsIn("worker", first), await logsIn("worker", second)], [false, true]);
    await request("POST", "sys/leases/revoke", { lease_id: lease, sync: true });
    assert.deepEqual(await users(username), []);
    await close();
  });
});
