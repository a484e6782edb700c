import assert from "node:assert/strict";
import test from "node:test";
import { createMembers, until } from "../testing/cluster.js";
import type { Member } from "../testing/cluster.js";

const bytes = (text: string) => Buffer.from(text);

test("a cluster forms, replicates, and every member applies the same entries", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const { host } = await cluster.leader();
    const outcomes = await Promise.all(Array.from({ length: 200 }, (_, i) => host!.propose(bytes(`entry ${i}`))));
    assert.ok(outcomes.every(({ outcome }) => outcome === "applied"));
    const expected = Array.from({ length: 200 }, (_, i) => `entry ${i}`);
    for (const { machine } of cluster.members) await until("applied", () => machine.applied.length === 200 && machine);
    for (const { machine } of cluster.members) assert.deepEqual(machine.applied, expected);
  } finally {
    await cluster.close();
  }
});

test("a read barrier on any member sees what was acknowledged before it", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const { host } = await cluster.leader();
    for (let i = 0; i < 20; i++) {
      const written = await host!.propose(bytes(`write ${i}`));
      assert.equal(written.outcome, "applied");
      for (const member of cluster.members) {
        assert.equal((await member.host!.readBarrier()).outcome, "ready");
        assert.ok(member.machine.applied.includes(`write ${i}`), `${member.id} has write ${i}`);
      }
    }
  } finally {
    await cluster.close();
  }
});

test("the leader dies: another takes over, nothing acknowledged is lost, the old one catches up from its disk", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const first = await cluster.leader();
    assert.equal((await first.host!.propose(bytes("before"))).outcome, "applied");
    await cluster.stop(first);
    const second = await cluster.leader();
    assert.notEqual(second.id, first.id);
    assert.equal((await second.host!.propose(bytes("after"))).outcome, "applied");
    await cluster.start(first);
    await until("caught up", () => first.machine.applied.includes("after"));
    assert.deepEqual(first.machine.applied, ["before", "after"]);
  } finally {
    await cluster.close();
  }
});

test("leadership transfer moves at once and a proposal to the old leader is refused", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const first = await cluster.leader();
    await first.host!.propose(bytes("x"));
    assert.equal(await first.host!.transferLeadership(), true);
    assert.notEqual((await cluster.leader()).id, first.id);
    assert.equal((await first.host!.propose(bytes("y"))).outcome, "not-leader");
  } finally {
    await cluster.close();
  }
});

test("a server far behind the log gets the state, then follows the log", async () => {
  const cluster = await createMembers(4, { snapshotThreshold: 50, trailingLogs: 20 });
  try {
    const [a, b, c, late] = cluster.members as [Member, Member, Member, Member];
    await cluster.start(a, { bootstrap: true });
    await cluster.leader();
    for (const member of [b, c]) {
      await cluster.start(member);
      assert.equal((await a.host!.addServer({ id: member.id, address: member.address, voter: true })).ok, true);
    }
    for (let i = 0; i < 300; i++) assert.equal((await a.host!.propose(bytes(`entry ${i}`))).outcome, "applied");
    await until("compaction", () => a.host!.status().firstIndex > 100);
    await cluster.start(late);
    assert.equal((await a.host!.addServer({ id: late.id, address: late.address, voter: true })).ok, true);
    assert.equal((await a.host!.propose(bytes("afterwards"))).outcome, "applied");
    await until("followed", () => late.machine.applied.includes("afterwards"));
    assert.deepEqual(late.machine.applied, a.machine.applied);
    assert.ok(late.host!.metrics()["snapshotsInstalled"]! >= 1);
  } finally {
    await cluster.close();
  }
});

test("a removed server no longer counts, and cannot disturb", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const { host, id } = await cluster.leader();
    const other = cluster.members.find((member) => member.id !== id)!;
    assert.equal((await host!.removeServer(other.id)).ok, true);
    const term = host!.status().term;
    assert.deepEqual(host!.status().configuration.servers.map((server) => server.id).sort(), cluster.members.map((m) => m.id).filter((one) => one !== other.id));
    for (let i = 0; i < 30; i++) assert.equal((await host!.propose(bytes(`entry ${i}`))).outcome, "applied");
    await new Promise((wake) => setTimeout(wake, 1500));
    assert.equal(host!.status().term, term, "no election happened");
    assert.deepEqual((await host!.removeServer("nobody")).ok, false);
  } finally {
    await cluster.close();
  }
});

test("without a quorum nothing is acknowledged and reads are refused", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const survivor = await cluster.leader();
    for (const member of cluster.members.filter((one) => one !== survivor)) await cluster.stop(member);
    const outcome = await survivor.host!.propose(bytes("lonely"));
    assert.ok(outcome.outcome === "unknown" || outcome.outcome === "not-leader", outcome.outcome);
    assert.equal((await survivor.host!.readBarrier()).outcome, "no-leader");
    assert.ok(!survivor.machine.applied.includes("lonely"));
  } finally {
    await cluster.close();
  }
});

test("a server that cannot lead hands leadership to one that can", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const first = await cluster.leader();
    first.host!.setCanLead(false);
    const next = await until("another leader", () => cluster.members.find((m) => m !== first && m.host!.status().role === "leader"));
    assert.notEqual(next.id, first.id);
  } finally {
    await cluster.close();
  }
});
