import assert from "node:assert/strict";
import test from "node:test";
import type { DurableLog } from "../log/durable-log.js";
import { createMembers, until } from "../testing/cluster.js";
import type { MemoryMachine } from "../testing/memory-machine.js";

/** A disk that can hang: what is written is done, and neither returns nor fails, until it answers again. */
function hanging() {
  let answers = Promise.resolve();
  let answer: () => void = () => undefined;
  return {
    hang: () => void (answers = new Promise((resolve) => (answer = resolve))),
    answer: () => answer(),
    /** With the state on it: applying, or making durable. */
    under: (machine: MemoryMachine, step: "apply" | "flush"): MemoryMachine => Object.create(machine, {
      [step]: { value: (...args: readonly unknown[]) => answers.then(() => (machine[step] as (...args: readonly unknown[]) => Promise<unknown>)(...args)) },
    }) as MemoryMachine,
    wrap: (log: DurableLog): DurableLog => Object.create(log, {
      write: { value: (work: Parameters<DurableLog["write"]>[0]) => answers.then(() => log.write(work)) },
    }) as DurableLog,
  };
}

/** Whoever leads may not have heard yet that the member is back, and another may lead a moment later. */
async function giveLead(cluster: Awaited<ReturnType<typeof createMembers>>, member: (typeof cluster.members)[number]): Promise<void> {
  await until(`${member.id} leads`, async () => {
    if (member.host!.status().role === "leader") return true;
    await (await cluster.leader()).host!.transferLeadership(member.id);
    return false;
  });
}

/** Forms the cluster, and has its first member lead on a disk that can hang. */
async function leadOn(cluster: Awaited<ReturnType<typeof createMembers>>, optionsOn: (disk: ReturnType<typeof hanging>, first: (typeof cluster.members)[number]) => Parameters<typeof cluster.start>[1]) {
  await cluster.form();
  const first = cluster.members[0]!;
  await cluster.stop(first);
  const disk = hanging();
  const stalls: boolean[] = [];
  await cluster.start(first, optionsOn(disk, first));
  first.host!.onDisk((isStalled) => void stalls.push(isStalled));
  await giveLead(cluster, first);
  await until("it serves", () => first.host!.status().commitIndex === first.host!.status().lastIndex);
  return { first, disk, stalls };
}

test("a leader whose disk hangs hands over, acknowledges on, and follows when the disk answers", async () => {
  const cluster = await createMembers(3);
  try {
    const { first, disk, stalls } = await leadOn(cluster, (disk) => ({ wrapLog: disk.wrap }));
    const { term } = first.host!.status();

    disk.hang();
    // The others have it on disk: that is a quorum.
    const proposed = first.host!.propose(Buffer.from("without its disk"));
    const next = await until("another leads", () => cluster.members.find((member) => member !== first && member.host!.status().role === "leader"));
    assert.deepEqual([next.host!.status().term, stalls, first.host!.metrics()["diskStalls"]], [term + 1, [true], 1]);
    assert.equal((await next.host!.propose(Buffer.from("meanwhile"))).outcome, "applied");
    assert.ok(!first.machine.applied.includes("meanwhile"));

    disk.answer();
    await until("it has caught up", () => first.machine.applied.includes("meanwhile"));
    assert.notEqual((await proposed).outcome, "conflict");
    assert.deepEqual(first.machine.applied, next.machine.applied);
    assert.deepEqual([stalls, first.host!.status().role], [[true, false], "follower"]);
    await giveLead(cluster, first);
  } finally {
    await cluster.close();
  }
});

test("a follower whose disk hangs holds up nobody, and a member alone waits for its disk", async () => {
  const cluster = await createMembers(3);
  try {
    const first = cluster.members[0]!;
    const alone = hanging();
    await cluster.start(first, { bootstrap: true, wrapLog: alone.wrap });
    await until("it leads", () => first.host!.status().role === "leader" && first.host!.status().commitIndex > 0);
    alone.hang();
    const waiting = first.host!.propose(Buffer.from("one"));
    await until("it is noticed", () => first.host!.metrics()["diskStalls"] === 1);
    assert.equal(first.host!.status().role, "leader");
    alone.answer();
    assert.equal((await waiting).outcome, "applied");

    const disk = hanging();
    const follower = cluster.members[2]!;
    for (const member of cluster.members.slice(1)) {
      await cluster.start(member, member === follower ? { wrapLog: disk.wrap } : {});
      assert.equal((await first.host!.addServer({ id: member.id, address: member.address, voter: true })).ok, true);
    }
    disk.hang();
    assert.equal((await first.host!.propose(Buffer.from("two"))).outcome, "applied");
    await until("it is noticed", () => follower.host!.metrics()["diskStalls"] === 1);
    assert.equal((await first.host!.propose(Buffer.from("three"))).outcome, "applied");
    disk.answer();
    await until("it has caught up", () => follower.machine.applied.includes("three"));
    assert.equal(first.host!.status().role, "leader");
  } finally {
    await cluster.close();
  }
});

for (const step of ["apply", "flush"] as const) test(`a leader whose state hangs as it is to ${step} hands over, though its log answers, and follows when the state does`, async () => {
  const cluster = await createMembers(3, { snapshotThreshold: 5, trailingLogs: 1 });
  try {
    const { first, disk, stalls } = await leadOn(cluster, (disk, { machine }) => ({ machine: disk.under(machine, step) }));

    disk.hang();
    // Enough for the log to be cut, which begins with the state.
    const proposed = Array.from({ length: 20 }, (_, n) => first.host!.propose(Buffer.from(`while it hangs ${n}`)));
    const next = await until("another leads", () => cluster.members.find((member) => member !== first && member.host!.status().role === "leader"));
    assert.deepEqual([stalls, first.host!.metrics()["diskStalls"]], [[true], 1]);
    assert.equal((await next.host!.propose(Buffer.from("meanwhile"))).outcome, "applied");
    assert.ok(!first.machine.applied.includes("meanwhile"));

    disk.answer();
    await until("it has caught up", () => first.machine.applied.includes("meanwhile"));
    for (const { outcome } of await Promise.all(proposed)) assert.notEqual(outcome, "conflict");
    assert.deepEqual(first.machine.applied, next.machine.applied);
    assert.deepEqual([stalls, first.host!.status().role], [[true, false], "follower"]);
    await giveLead(cluster, first);
  } finally {
    await cluster.close();
  }
});
