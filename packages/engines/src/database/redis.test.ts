import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient } from "redis";
import { redisProgram, startRedis } from "@coffer/counterparts";
import type { Redis } from "@coffer/counterparts";
import { createHarness } from "../testing/harness.js";
import { dieBeforeCommit } from "../testing/postgres-fixture.js";

describe("Redis", { skip: redisProgram() === undefined && "Redis is not installed" }, () => {
  let server: Redis;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  async function as<T>(username: string, password: string, work: (send: (...args: readonly string[]) => Promise<unknown>) => Promise<T>): Promise<T> {
    const client = createClient({ socket: { host: "127.0.0.1", port: server.port, reconnectStrategy: false }, username, password });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await work((...args) => client.sendCommand([...args]));
    } finally {
      client.destroy();
    }
  }
  const asAdmin = (...args: readonly string[]) => as(server.superuser, server.password, (send) => send(...args));
  const logsIn = (username: string, password: string) => as(username, password, (send) => send("GET", "x")).then(() => true, () => false);
  const users = async () => ((await asAdmin("ACL", "USERS")) as string[]).filter((name) => name.startsWith("V_"));

  async function service(username: string, password: string, role: Record<string, unknown> = {}) {
    const harness = await createHarness({ seed: username });
    await harness.mount("database", "database");
    const written = await harness.request("POST", "database/config/redis", { plugin_name: "redis-database-plugin", host: "127.0.0.1", port: server.port, username, password, allowed_roles: "*" });
    assert.equal(written.status, 204, written.text);
    await harness.request("POST", "database/roles/app", { db_name: "redis", default_ttl: 60, ...role });
    return { ...harness, close: () => harness.request("DELETE", "database/config/redis") };
  }

  test("credentials log in with the role's rules until their lease ends", async () => {
    const { request, clock, doDueWork, close } = await service(server.superuser, server.password, { creation_statements: ['["~app:*", "+@read", "+set"]'] });
    const { username, password } = (await request("GET", "database/creds/app")).body["data"];
    assert.match(username, /^V_ROOT_APP_[A-Z0-9]{20}_\d+$/);
    await as(username, password, async (send) => {
      assert.equal(await send("SET", "app:a", "1"), "OK");
      await assert.rejects(send("SET", "other", "1"), /NOPERM/);
      await assert.rejects(send("ACL", "USERS"), /NOPERM/);
    });
    clock.advance(60);
    await doDueWork();
    assert.equal(await logsIn(username, password), false);
    assert.deepEqual(await users(), []);
    await close();
  });

  test("without statements a user may read all; renewing leaves it, revoking ends it", async () => {
    const { request, close } = await service(server.superuser, server.password);
    const { body } = await request("GET", "database/creds/app");
    const { username, password } = body["data"];
    assert.equal((await request("POST", "sys/leases/renew", { lease_id: body["lease_id"] })).status, 200);
    assert.equal(await logsIn(username, password), true);
    assert.equal((await request("POST", "sys/leases/revoke", { lease_id: body["lease_id"], sync: true })).status, 204);
    assert.equal(await logsIn(username, password), false);
    await close();
  });

  test("a crash after the user was made leaves no user", async () => {
    const one = await service(server.superuser, server.password);
    const { dead, revive } = dieBeforeCommit(one);
    void one.request("GET", "database/creds/app");
    await dead;
    revive();
    assert.equal((await users()).length, 1);
    one.clock.advance(600);
    await one.doDueWork();
    assert.deepEqual(await users(), []);
    await one.close();
  });

  test("rotate-root and a static role change passwords", async () => {
    await asAdmin("ACL", "SETUSER", "chief", "ON", ">first", "~*", "+@all");
    await asAdmin("ACL", "SETUSER", "worker", "ON", ">old", "~*", "+@all");
    const { request, clock, doDueWork, close } = await service("chief", "first");
    assert.equal((await request("POST", "database/rotate-root/redis")).status, 204);
    assert.equal(await logsIn("chief", "first"), false);
    assert.equal((await request("POST", "database/static-roles/worker", { db_name: "redis", username: "worker", rotation_period: 60 })).status, 204);
    const read = async () => (await request("GET", "database/static-creds/worker")).body["data"].password as string;
    const first = await read();
    assert.deepEqual([await logsIn("worker", "old"), await logsIn("worker", first)], [false, true]);
    clock.advance(60);
    await doDueWork();
    assert.deepEqual([await logsIn("worker", first), await logsIn("worker", await read())], [false, true]);
    const missing = await request("POST", "database/static-roles/nobody", { db_name: "redis", username: "nobody", rotation_period: 60 });
    assert.deepEqual([missing.status, missing.body.errors], [500, ["user nobody not found"]]);
    assert.equal((await request("GET", "database/static-roles/nobody")).status, 404);
    await close();
  });

  test("what is wrong with a connection is told", async () => {
    const { request } = await service(server.superuser, server.password);
    const write = async (change: Record<string, unknown>) => (await request("POST", "database/config/other", { plugin_name: "redis-database-plugin", host: "127.0.0.1", port: server.port, username: "default", password: server.password, ...change })).body.errors?.[0];
    assert.equal(await write({ host: "" }), "error creating database object: host cannot be empty");
    assert.equal(await write({ port: 0 }), "error creating database object: port cannot be empty");
    assert.equal(await write({ username: "" }), "error creating database object: username cannot be empty");
    assert.equal(await write({ password: "" }), "error creating database object: password cannot be empty");
    assert.equal(await write({ tls: true }), "error creating database object: ca_cert cannot be empty");
    assert.equal(await write({ username_template: "x" }), "error creating database object: redis-database-plugin has no username_template");
    assert.match((await write({ password: "wrong" }))!, /^error creating database object: error verifying connection: WRONGPASS/);
    assert.match((await write({ port: 1 }))!, /^error creating database object: error verifying connection: .*ECONNREFUSED/);
    assert.equal((await request("GET", "database/config/other")).status, 404);
    await request("DELETE", "database/config/redis");
  });
});
