import assert from "node:assert/strict";
import test from "node:test";
import { startCluster } from "./harness/cluster.js";
import { STALL_MS } from "./harness/stall-on-signal.js";

test("a request thread that stalls for half a second costs no election", async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const leader = await cluster.active();
  const term = async () => {
    const { data } = await cluster.client(leader).request<{ servers: Record<string, { last_term: number }> }>("GET", "sys/storage/raft/autopilot/state");
    return data.servers[leader.id]!.last_term;
  };
  const before = await term();
  for (let stall = 0; stall < 3; stall++) {
    const begin = performance.now();
    leader.signal("SIGUSR2");
    // Answered only after the stall, by the same leader.
    await new Promise((wake) => setTimeout(wake, 50));
    await cluster.client(leader).request("POST", "secret/data/during-stall", { body: { data: { stall } } });
    assert.ok(performance.now() - begin >= STALL_MS * 0.9, "the stall did not happen");
  }
  assert.equal(await cluster.active(), leader);
  assert.equal(await term(), before);
});
