/** What engines keep open elsewhere goes with what it was for: seen from the other end, with real processes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { useDatabaseCluster } from "./harness/database.js";
import type { NodeProcess } from "./harness/node-process.js";
import { until } from "./harness/until.js";

const { options, postgres, cluster: running, mountDatabase } = useDatabaseCluster();
const GONE_MS = 60_000;

const sessions = async () => Number((await postgres().query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'coffer'"))[0]);
const noneIsLeft = (when: string) => until(`no connection is left ${when}`, GONE_MS, async () => (await sessions()) === 0);

/** A user is made, so that there is a connection. */
async function use(node: NodeProcess, path: string): Promise<void> {
  await running().client(node).request("GET", `${path}/creds/app`);
  assert.ok((await sessions()) > 0, "a user was made without a connection");
}

const users = () => postgres().query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'");

test("no connection is left of a mount that was removed, nor any of its users", options, async () => {
  const cluster = running();
  const active = await cluster.active();
  await mountDatabase(active, "first");
  await use(active, "first");
  assert.equal((await users()).length, 1);
  await cluster.client(active).request("DELETE", "sys/mounts/first");
  await until("its user is gone", GONE_MS, async () => (await users()).length === 0);
  await noneIsLeft("of a mount that is gone");
});

test("no connection is left on a node that stepped down, that sealed, or that ended", options, async () => {
  const cluster = running();
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
