/** A password that is changed by itself is changed by whichever node leads when its time comes, and used by all of them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { postgresProgram, startPostgres } from "@coffer/counterparts";
import type { Postgres } from "@coffer/counterparts";
import { startCluster } from "./harness/cluster.js";
import type { TestCluster } from "./harness/cluster.js";
import { until } from "./harness/until.js";

const options = { skip: postgresProgram() === undefined && "PostgreSQL is not installed" };
const ROTATED_MS = 60_000;
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

const stored = async () => (await postgres.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'coffer'"))[0];

test("the root credential is rotated by the node that leads after a crash, and by nobody before", options, async () => {
  const first = await cluster.active();
  const client = cluster.client(first);
  await client.request("POST", "sys/mounts/database", { body: { type: "database" } });
  await client.request("POST", "database/config/pg", {
    body: { plugin_name: "postgresql-database-plugin", connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`, username: "coffer", password: "pw", allowed_roles: "*", rotation_period: "30m" },
  });
  await client.request("POST", "database/roles/app", { body: { db_name: "pg", creation_statements: `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'` } });
  const before = await stored();
  // A standby whose clock is ahead leaves it alone: only the node that leads rotates.
  const [standby, other] = await cluster.standbys();
  standby!.signal("SIGURG");
  await cluster.client(other!).request("GET", "database/creds/app");
  assert.equal(await stored(), before);

  assert.equal(await first.end("SIGKILL"), "SIGKILL");
  const second = await until("another node leads", ROTATED_MS, async () => cluster.active().catch(() => undefined));
  if (second !== standby) second.signal("SIGURG");
  await until("the password is another one", ROTATED_MS, async () => (await stored()) !== before);
  await cluster.revive(first);
  for (const node of cluster.nodes) {
    // Each of them in its turn would connect anew with what is stored.
    await cluster.client(node).request("POST", "database/reset/pg");
    assert.ok((await cluster.client(node).request<{ username: string }>("GET", "database/creds/app")).data.username);
  }
});
