import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createConnection } from "mysql2/promise";
import type { RowDataPacket } from "mysql2/promise";
import pg from "pg";
import { createClient } from "redis";
import { mariaDbProgram, postgresProgram, redisProgram, startMariaDb, startPostgres, startRedis } from "@coffer/counterparts";
import type { Postgres } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";
import type { Harness } from "../testing/harness.js";
import { CREATE, FIRST_PASSWORD, postgresFixture } from "../testing/postgres-fixture.js";
import type { PostgresFixture } from "../testing/postgres-fixture.js";
import { releaseConnections } from "./connections.js";

const PATIENCE_MS = 20_000;

/** A server takes a moment to see that a client has gone. */
async function comesTo(wanted: number, count: () => Promise<number>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  let found = await count();
  while (found !== wanted && performance.now() < end) found = await count();
  assert.equal(found, wanted);
}

async function uuidOf({ request }: Harness, path: string): Promise<string> {
  return (await request("GET", `sys/mounts/${path}`)).body["data"].uuid as string;
}

describe("what is kept open in PostgreSQL", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, () => {
  let db: PostgresFixture;
  before(async () => {
    db = await postgresFixture();
  });
  after(() => db.stop());

  test("the connections of one mount are closed, and then those of all", async () => {
    const [one, two] = [await db.service(), await db.service()];
    await one.creds();
    await two.creds();
    assert.deepEqual([await db.sessionsOf(one.root), await db.sessionsOf(two.root)], [1, 1]);
    await releaseConnections(await uuidOf(one, "database"));
    await comesTo(0, () => db.sessionsOf(one.root));
    assert.equal(await db.sessionsOf(two.root), 1);
    await one.creds();
    await releaseConnections(undefined);
    await comesTo(0, () => db.sessionsOf(one.root));
    await comesTo(0, () => db.sessionsOf(two.root));
  });

  test("whoever is at work when connections are closed finishes", async () => {
    const one = await db.service({}, { creation_statements: [CREATE[0]!, "SELECT pg_sleep(1)"] });
    const under_way = one.creds();
    await comesTo(1, () => db.sessionsOf(one.root));
    await releaseConnections(undefined);
    const { username, password } = await under_way;
    assert.equal(await db.logsIn(username, password), true);
    await comesTo(0, () => db.sessionsOf(one.root));
  });

  test("reload closes the connections of a plugin, and tells which", async () => {
    const { request, creds, root } = await db.service();
    await creds();
    assert.equal(await db.sessionsOf(root), 1);
    const { body } = await request("POST", "database/reload/postgresql-database-plugin");
    assert.deepEqual(body["data"], { connections: ["pg"], count: 1 });
    await comesTo(0, () => db.sessionsOf(root));
    const none = await request("POST", "database/reload/mysql-database-plugin");
    assert.deepEqual([none.body["data"], none.body.warnings], [{ connections: [], count: 0 }, ['no connections were found with plugin_name "mysql-database-plugin"']]);
    await creds();
    await releaseConnections(undefined);
  });
});

describe("several servers of PostgreSQL", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, () => {
  let first: Postgres;
  let second: Postgres;
  const admin = async (server: Postgres, sql: string) => {
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql);
    await client.end();
    return rows;
  };
  before(async () => {
    [first, second] = await Promise.all([startPostgres(), startPostgres()]);
    for (const server of [first, second]) await admin(server, `CREATE ROLE coffer SUPERUSER LOGIN PASSWORD '${FIRST_PASSWORD}'`);
  });
  after(async () => {
    await releaseConnections(undefined);
    await Promise.all([first.stop(), second.stop()]);
  });

  const usersOf = async (server: Postgres) => (await admin(server, "SELECT 1 FROM pg_roles WHERE rolname LIKE 'v-%'")).length;
  const configured = async (settings: string, servers = `127.0.0.1:${first.port},127.0.0.1:${second.port}`) => {
    const harness = await createHarness();
    await harness.mount("database", "database");
    const written = await harness.request("POST", "database/config/pg", { plugin_name: "postgresql-database-plugin", connection_url: `postgresql://{{username}}:{{password}}@${servers}/postgres${settings}`, username: "coffer", password: FIRST_PASSWORD, allowed_roles: "*" });
    await harness.request("POST", "database/roles/app", { db_name: "pg", creation_statements: CREATE });
    return { ...harness, written, creds: () => harness.request("GET", "database/creds/app") };
  };

  test("the first one that answers is used, and the next when it has gone", async () => {
    const { written, creds } = await configured("");
    assert.equal(written.status, 204, written.text);
    assert.equal((await creds()).status, 200);
    assert.deepEqual([await usersOf(first), await usersOf(second)], [1, 0]);
    await first.halt();
    assert.equal((await creds()).status, 200);
    assert.equal(await usersOf(second), 1);
    await first.start();
  });

  test("the one that takes writes is found, also when that changes", async () => {
    const makeReadOnly = (server: Postgres, is: "on" | "off") => admin(server, `SET default_transaction_read_only = off; ALTER ROLE coffer SET default_transaction_read_only = ${is}`);
    const before = [await usersOf(first), await usersOf(second)] as const;
    await makeReadOnly(first, "on");
    const { written, creds } = await configured("?target_session_attrs=read-write");
    assert.equal(written.status, 204, written.text);
    assert.equal((await creds()).status, 200);
    assert.deepEqual([await usersOf(first), await usersOf(second)], [before[0], before[1] + 1]);
    await makeReadOnly(second, "on");
    await makeReadOnly(first, "off");
    await releaseConnections(undefined);
    assert.equal((await creds()).status, 200);
    assert.deepEqual([await usersOf(first), await usersOf(second)], [before[0] + 1, before[1] + 1]);
    const none = await configured("?target_session_attrs=standby");
    assert.deepEqual([none.written.status, none.written.body.errors], [400, [`error creating database object: error verifying connection: no server can be used: 127.0.0.1:${first.port} is not standby; 127.0.0.1:${second.port} is not standby`]]);
    await makeReadOnly(second, "off");
  });

  test("where none answers, what each said is told", async () => {
    const { written } = await configured("", "127.0.0.1:1,127.0.0.1:2");
    assert.equal(written.status, 400);
    assert.match(written.body.errors![0]!, /127\.0\.0\.1:1: connect ECONNREFUSED.*127\.0\.0\.1:2: connect ECONNREFUSED/);
  });
});

test("MariaDB: connections are closed with their mount", { skip: mariaDbProgram() === undefined && "MariaDB is not installed" }, async () => {
  const server = await startMariaDb();
  const admin = await createConnection({ host: "127.0.0.1", port: server.port, user: server.superuser, password: server.password });
  await admin.query("CREATE USER 'root1'@'%' IDENTIFIED BY 'pw'");
  await admin.query("GRANT ALL PRIVILEGES ON *.* TO 'root1'@'%' WITH GRANT OPTION");
  const sessions = async () => (await admin.query<RowDataPacket[]>("SELECT 1 FROM information_schema.processlist WHERE user = 'root1'"))[0].length;
  const harness = await createHarness();
  await harness.mount("database", "database");
  await harness.request("POST", "database/config/maria", { plugin_name: "mysql-database-plugin", connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${server.port})/`, username: "root1", password: "pw", allowed_roles: "*" });
  await harness.request("POST", "database/roles/app", { db_name: "maria", creation_statements: "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'" });
  assert.equal((await harness.request("GET", "database/creds/app")).status, 200);
  assert.equal(await sessions(), 1);
  await releaseConnections(await uuidOf(harness, "database"));
  await comesTo(0, sessions);
  await admin.end();
  await server.stop();
});

test("Redis: the connection is closed with its mount", { skip: redisProgram() === undefined && "Redis is not installed" }, async () => {
  const server = await startRedis();
  const admin = createClient({ socket: { host: "127.0.0.1", port: server.port, reconnectStrategy: false }, username: server.superuser, password: server.password });
  await admin.connect();
  await admin.sendCommand(["ACL", "SETUSER", "root1", "ON", ">pw", "+@all", "~*"]);
  const sessions = async () => String(await admin.sendCommand(["CLIENT", "LIST"])).split("\n").filter((line) => line.includes("user=root1 ")).length;
  const harness = await createHarness();
  await harness.mount("database", "database");
  await harness.request("POST", "database/config/redis", { plugin_name: "redis-database-plugin", host: "127.0.0.1", port: server.port, username: "root1", password: "pw", allowed_roles: "*" });
  await harness.request("POST", "database/roles/app", { db_name: "redis" });
  assert.equal((await harness.request("GET", "database/creds/app")).status, 200);
  assert.equal(await sessions(), 1);
  await releaseConnections(await uuidOf(harness, "database"));
  await comesTo(0, sessions);
  admin.destroy();
  await server.stop();
});
