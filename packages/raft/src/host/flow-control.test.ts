import assert from "node:assert/strict";
import test from "node:test";
import type { DurableLog } from "../log/durable-log.js";
import { createMembers, until } from "../testing/cluster.js";

const MIB = 1024 * 1024;

async function withCluster(count: number, more: Parameters<typeof createMembers>[1], check: (cluster: Awaited<ReturnType<typeof createMembers>>) => Promise<void>): Promise<void> {
  const cluster = await createMembers(count, more);
  try {
    await check(cluster);
  } finally {
    await cluster.close();
  }
}

/** A disk that takes a while for each write. */
function slow(log: DurableLog, milliseconds: number): DurableLog {
  const write: DurableLog["write"] = async (work) => {
    await new Promise((wake) => setTimeout(wake, milliseconds));
    return log.write(work);
  };
  return Object.create(log, { write: { value: write } }) as DurableLog;
}

test("a follower with a slow disk slows no commit, and costs the leader no more than its window", async () => {
  await withCluster(3, { maxInflightBytes: MIB, maxEntriesBytesPerMessage: MIB / 4 }, async (cluster) => {
    await cluster.form();
    const leader = await cluster.leader();
    const follower = cluster.members.find((member) => member !== leader)!;
    await cluster.stop(follower);
    const DELAY_MS = 300;
    await cluster.start(follower, { wrapLog: (log) => slow(log, DELAY_MS) });
    await until("it follows", () => follower.host!.status().leader !== undefined);
    const block = Buffer.alloc(128 * 1024, "x");
    const times: number[] = [];
    let queued = 0;
    for (let i = 0; i < 80; i++) {
      const begin = performance.now();
      assert.equal((await leader.host!.propose(block)).outcome, "applied");
      times.push(performance.now() - begin);
      queued = Math.max(queued, leader.host!.metrics()["queuedBytes"]!);
    }
    times.sort((a, b) => a - b);
    assert.ok(times[40]! < DELAY_MS * 0.8, `median ${times[40]} ms`);
    assert.ok(queued < 3 * MIB, `${queued} bytes queued`);
    assert.ok(leader.host!.metrics()["unwrittenEntries"]! < 5);
    await until("it catches up in the end", () => follower.machine.applied.length === 80);
  });
});

test("with nobody to commit with, proposals wait up to a limit; beyond it they are turned away at once, and room comes back", async () => {
  for (const [limit, bytes, most] of [[{ maxPendingBytes: MIB }, 100 * 1024, 10], [{ maxPendingProposals: 20 }, 10, 20]] as const) {
    await withCluster(3, { ...limit, electionTicks: 40 }, async (cluster) => {
      await cluster.form();
      const leader = await cluster.leader();
      const others = cluster.members.filter((member) => member !== leader);
      for (const { line } of others) line.silence();
      const settled: string[] = [];
      for (let i = 0; i < 40; i++) void leader.host!.propose(Buffer.alloc(bytes)).then(({ outcome }) => settled.push(outcome));
      const refused = 40 - most;
      await until("the others are turned away", () => settled.length >= refused);
      await new Promise((wake) => setTimeout(wake, 200));
      assert.deepEqual(settled, Array<string>(refused).fill("overloaded"));
      assert.equal(leader.host!.metrics()["proposalsRefused"], refused);
      assert.ok(leader.host!.metrics()["pendingBytes"]! <= MIB);
      for (const { line } of others) line.restore();
      const next = await until("a leader that commits", () => cluster.members.find(({ host }) => host!.status().role === "leader" && host!.status().servers.every(({ lastContactMs = 0 }) => lastContactMs < 500)));
      await until("there is room", () => next.host!.metrics()["pendingBytes"] === 0);
      // Another one may lead by now.
      await until("proposals are taken again", async () => (await (await cluster.leader()).host!.propose(Buffer.alloc(bytes))).outcome === "applied");
    });
  }
});

test("the log is cut by its bytes too, and keeps the trailing ones", async () => {
  await withCluster(1, { snapshotThresholdBytes: 4 * MIB, trailingBytes: 2 * MIB }, async (cluster) => {
    await cluster.form();
    const [only] = cluster.members;
    for (let i = 0; i < 80; i++) await only!.host!.propose(Buffer.alloc(256 * 1024, "x"));
    await until("cut", () => only!.host!.metrics()["compactions"]! > 0);
    const { firstIndex, lastIndex } = only!.host!.status();
    const kept = lastIndex - firstIndex + 1;
    assert.ok(kept >= 4 && kept <= 40, `${kept} of 80 entries kept`);
    assert.ok(only!.host!.metrics()["logBytes"]! <= 10 * MIB);
  });
});
