/** A password that is changed by itself is changed by whichever node leads when its time comes, and used by all of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { useDatabaseCluster } from "./harness/database.js";
import { until } from "./harness/until.js";

const { options, postgres, cluster: running, mountDatabase } = useDatabaseCluster();
const ROTATED_MS = 60_000;

const stored = async () => (await postgres().query("SELECT rolpassword FROM pg_authid WHERE rolname = 'coffer'"))[0];

test("the root credential is rotated by the node that leads after a crash, and by nobody before", options, async () => {
  const cluster = running();
  const first = await cluster.active();
  await mountDatabase(first, "database", { rotation_period: "30m" });
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
