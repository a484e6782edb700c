import assert from "node:assert/strict";
import test from "node:test";
import { createMembers, until } from "../testing/cluster.js";
import type { Member } from "../testing/cluster.js";

const READS = 200;

/** Heartbeats that so many reads one after the other cost the leader. */
async function heartbeatsOf(leader: Member): Promise<number> {
  const before = leader.host!.metrics()["heartbeatsSent"]!;
  for (let i = 0; i < READS; i++) assert.equal((await leader.host!.readBarrier()).outcome, "ready");
  return leader.host!.metrics()["heartbeatsSent"]! - before;
}

test("with a lease reads need no round, and followers' questions neither; after a hand-over the next leader has one", async () => {
  const cluster = await createMembers(3, { readLease: true });
  try {
    await cluster.form();
    const leader = await cluster.leader();
    assert.equal((await leader.host!.propose(Buffer.from("one"))).outcome, "applied");
    assert.ok((await heartbeatsOf(leader)) < READS / 2);
    const follower = cluster.members.find((member) => member !== leader)!;
    assert.equal((await follower.host!.readBarrier()).outcome, "ready");
    assert.equal(await leader.host!.transferLeadership(follower.id), true);
    assert.equal((await follower.host!.propose(Buffer.from("two"))).outcome, "applied");
    const read = await leader.host!.readBarrier();
    assert.ok(read.outcome === "ready" && leader.machine.applied.includes("two"));
    assert.ok((await heartbeatsOf(follower)) < READS / 2);
  } finally {
    await cluster.close();
  }
});

test("without one each read asks", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    assert.ok((await heartbeatsOf(await cluster.leader())) >= READS);
  } finally {
    await cluster.close();
  }
});

test("a leader that nobody hears tells no read point of the time when another leads", async () => {
  const cluster = await createMembers(3, { readLease: true });
  try {
    await cluster.form();
    const leader = await cluster.leader();
    let isOver = false;
    const answers: { readonly asked: number; readonly index: number }[] = [];
    const reading = (async () => {
      while (!isOver) {
        const asked = performance.now();
        const read = await leader.host!.readBarrier();
        if (read.outcome === "ready") answers.push({ asked, index: read.index });
        await new Promise((wake) => setImmediate(wake));
      }
    })();
    // What it says does not arrive; what the others say neither.
    for (const { line } of cluster.members) line.silence();
    for (const { line } of cluster.members.filter((member) => member !== leader)) line.restore();
    const next = await until("another leads", () => cluster.members.find((member) => member !== leader && member.host!.status().role === "leader"));
    const written = await next.host!.propose(Buffer.from("new"));
    const acknowledged = performance.now();
    assert.equal(written.outcome, "applied");
    await until("it has stepped down", () => leader.host!.status().role !== "leader");
    isOver = true;
    leader.line.restore();
    await reading;
    assert.ok(answers.length > 0);
    for (const { asked, index } of answers) assert.ok(asked < acknowledged || (written.outcome === "applied" && index >= written.index), "a read asked after the write, from before it");
  } finally {
    await cluster.close();
  }
});
