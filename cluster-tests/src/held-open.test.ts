/** What engines keep open elsewhere goes with what it was for: seen from the other end, with real processes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { postgresProgram, startPostgres } from "@coffer/counterparts";
import type { Postgres } from "@coffer/counterparts";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { until } from "./harness/until.js";

const options = { skip: postgresProgram() === undefined && "PostgreSQL is not installed" };
const GONE_MS = 60_000;
let postgres: Postgres;
let cluster: TestCluster;

before(async () => {
  if (options.skip) return;
  [postgres, cluster] = await Promise.all([startPostgres(), startCluster()]);
  await postgres.query("CREATE ROLE coffer SUPERUSER LOGIN PASSWORD 'pw'");
});
after(async () => {
  await cluster?.stop();
  await postgres?.stop();
});

const sessions = async () => Number((await postgres.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'coffer'"))[0]);
const noneIsLeft = (when: string) => until(`no connection is left ${when}`, GONE_MS, async () => (await sessions()) === 0);

async function mountDatabase(node: NodeProcess, path: string): Promise<void> {
  const client = cluster.client(node);
  await client.request("POST", `sys/mounts/${path}`, { body: { type: "database" } });
  await client.request("POST", `${path}/config/pg`, {
    body: { plugin_name: "postgresql-database-plugin", connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`, username: "coffer", password: "pw", allowed_roles: "*" },
  });
  await client.request("POST", `${path}/roles/app`, { body: { db_name: "pg", creation_statements: `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'` } });
}

/** A user is made, so that there is a connection. */
async function use(node: NodeProcess, path: string): Promise<void> {
  await cluster.client(node).request("GET", `${path}/creds/app`);
  assert.ok((await sessions()) > 0, "a user was made without a connection");
}

const users = () => postgres.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'");

test("no connection is left of a mount that was removed, nor any of its users", options, async () => {
  const active = await cluster.active();
  await mountDatabase(active, "first");
  await use(active, "first");
  assert.equal((await users()).length, 1);
  await cluster.client(active).request("DELETE", "sys/mounts/first");
  await until("its user is gone", GONE_MS, async () => (await users()).length === 0);
  await noneIsLeft("of a mount that is gone");
});

test("no connection is left on a node that stepped down, that sealed, or that ended", options, async () => {
  const first = await cluster.active();
  await mountDatabase(first, "second");
  await use(first, "second");
  await cluster.client(first).request("PUT", "sys/step-down");
  await until("another node is active", GONE_MS, async () => (await cluster.active()).id !== first.id);
  await noneIsLeft("after a step-down");

  const next = await cluster.active();
  await use(next, "second");
  await cluster.client(next).request("PUT", "sys/seal");
  await noneIsLeft("after a seal");
  await cluster.unseal(next);

  const last = await cluster.active();
  await use(last, "second");
  assert.equal(await last.end("SIGTERM"), 0);
  await noneIsLeft("after an end");
});
