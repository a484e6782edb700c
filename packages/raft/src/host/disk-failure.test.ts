import assert from "node:assert/strict";
import test from "node:test";
import { DiskFailure } from "../log/disk-failure.js";
import type { DurableLog } from "../log/durable-log.js";
import { createMembers, until } from "../testing/cluster.js";

/** A log whose disk can be filled: from then on every write of it fails, as LevelDB's do. */
function fillable() {
  const disk = { full: false };
  const wrap = (log: DurableLog): DurableLog => {
    const guarded = <A extends unknown[], R>(work: (...given: A) => Promise<R>) => async (...given: A): Promise<R> => {
      if (disk.full) throw new DiskFailure("the raft log cannot be written: No space left on device");
      return work(...given);
    };
    return Object.create(log, Object.fromEntries((["write", "compact", "expectSnapshot", "reset"] as const).map((name) => [name, { value: guarded(log[name] as (...given: unknown[]) => Promise<void>) }]))) as DurableLog;
  };
  return { disk, wrap };
}

test("a leader whose disk is full hands over before anybody misses it, and acknowledges nothing that it did not write", async () => {
  // An election would begin after two seconds only.
  const cluster = await createMembers(3, { electionTicks: 40 });
  try {
    await cluster.form();
    const first = cluster.members[0]!;
    await cluster.stop(first);
    await cluster.leader();
    const { disk, wrap } = fillable();
    const fatal: Error[] = [];
    await cluster.start(first, { wrapLog: wrap, onFatal: (error) => void fatal.push(error) });
    const other = await cluster.leader();
    await until("it has caught up", () => first.host!.status().lastIndex === other.host!.status().lastIndex && first.host!.status().leader !== undefined);
    assert.equal(await other.host!.transferLeadership(first.id), true);
    await until("it leads", () => first.host!.status().role === "leader" && first.host!.status().commitIndex === first.host!.status().lastIndex);
    const term = first.host!.status().term;

    disk.full = true;
    const begin = performance.now();
    const lost = first.host!.propose(Buffer.from("lost or not"));
    const next = await until("another leads", () => cluster.members.find((member) => member !== first && member.host!.status().role === "leader"));
    assert.ok(performance.now() - begin < 1500, `took ${performance.now() - begin} ms: that is an election timeout, not a hand-over`);
    assert.equal(next.host!.status().term, term + 1);
    await until("it has ended", () => fatal.length > 0);
    assert.ok(fatal[0] instanceof DiskFailure);
    assert.notEqual((await lost).outcome, "conflict");
    assert.deepEqual(await first.host!.propose(Buffer.from("refused")), { outcome: "not-leader" });
    assert.equal((await next.host!.propose(Buffer.from("afterwards"))).outcome, "applied");

    // With room again it comes back with what it had, and gets what it missed.
    await cluster.stop(first);
    await cluster.start(first);
    await until("it has caught up", () => first.machine.applied.includes("afterwards"));
    assert.deepEqual(first.machine.applied, next.machine.applied);
  } finally {
    await cluster.close();
  }
});

test("a follower whose disk is full ends; a leader alone ends too, and says why", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const leader = await cluster.leader();
    const follower = cluster.members.find((member) => member !== leader)!;
    await cluster.stop(follower);
    const { disk, wrap } = fillable();
    const fatal: Error[] = [];
    await cluster.start(follower, { wrapLog: wrap, onFatal: (error) => void fatal.push(error) });
    await until("it follows", () => follower.host!.status().leader !== undefined);
    disk.full = true;
    for (let i = 0; i < 5; i++) assert.equal((await leader.host!.propose(Buffer.from(`entry ${i}`))).outcome, "applied");
    await until("it has ended", () => fatal.length > 0);
    assert.match(fatal[0]!.message, /No space left/);
    assert.ok(leader.host!.status().servers.find(({ id }) => id === follower.id)!.matchIndex < leader.host!.status().lastIndex, "what was not written was not acknowledged");
  } finally {
    await cluster.close();
  }
});
