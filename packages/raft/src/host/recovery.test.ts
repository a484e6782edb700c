import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import test from "node:test";
import { createMembers, until } from "../testing/cluster.js";
import { readPeers, RecoveryError, recoveryFile } from "./recovery.js";

function leave(directory: string, content: unknown): string {
  const path = recoveryFile(directory);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

test("the one server left of three goes on alone from peers.json, with everything it held, and takes in new ones", async () => {
  const cluster = await createMembers(4);
  try {
    await cluster.form(3);
    const [first, second, third, fresh] = cluster.members;
    for (let i = 0; i < 10; i++) assert.equal((await (await cluster.leader()).host!.propose(Buffer.from(`entry ${i}`))).outcome, "applied");
    await until("the second has it all", () => second!.machine.applied.length === 10);
    for (const member of [first, second, third]) await cluster.stop(member!);
    const path = leave(cluster.directoryOf(second!), [{ id: second!.id, address: second!.address, non_voter: false }]);
    await cluster.start(second!);
    assert.ok(!existsSync(path), "it is used once");
    const leader = await cluster.leader();
    assert.equal(leader, second);
    assert.deepEqual(leader.host!.status().configuration.servers.map(({ id, voter }) => [id, voter]), [["n2", true]]);
    assert.equal((await leader.host!.propose(Buffer.from("afterwards"))).outcome, "applied");
    assert.equal(leader.machine.applied.length, 11);
    await cluster.start(fresh!);
    assert.equal((await leader.host!.addServer({ id: fresh!.id, address: fresh!.address, voter: true })).ok, true);
    // Restarted without the file it stays as it is.
    await cluster.stop(leader);
    await cluster.start(leader);
    await cluster.leader();
    assert.deepEqual(leader.host!.status().configuration.servers.map(({ id }) => id), ["n2", "n4"]);
  } finally {
    await cluster.close();
  }
});

test("two of five go on together, though their logs end differently", async () => {
  const cluster = await createMembers(5);
  try {
    await cluster.form();
    const leader = await cluster.leader();
    const [ahead, behind] = cluster.members.filter((member) => member !== leader);
    for (let i = 0; i < 5; i++) await leader.host!.propose(Buffer.from(`entry ${i}`));
    await until("both have it", () => behind!.machine.applied.length === 5);
    await cluster.stop(behind!);
    for (let i = 5; i < 10; i++) await leader.host!.propose(Buffer.from(`entry ${i}`));
    await until("one has it all", () => ahead!.machine.applied.length === 10);
    for (const member of cluster.members) if (member.host) await cluster.stop(member);
    const peers = [ahead!, behind!].map(({ id, address }) => ({ id, address }));
    for (const member of [ahead!, behind!]) leave(cluster.directoryOf(member), peers);
    for (const member of [ahead!, behind!]) await cluster.start(member);
    const next = await cluster.leader();
    assert.equal(next, ahead, "whoever has more leads");
    assert.equal((await next.host!.propose(Buffer.from("afterwards"))).outcome, "applied");
    await until("both agree", () => behind!.machine.applied.length === 11);
    assert.deepEqual(behind!.machine.applied, ahead!.machine.applied);
  } finally {
    await cluster.close();
  }
});

test("a file that cannot be meant stops the start, says why, and stays", async () => {
  const cluster = await createMembers(1);
  try {
    await cluster.form();
    const [only] = cluster.members;
    await cluster.stop(only!);
    const directory = cluster.directoryOf(only!);
    const a = { id: "n1", address: "h:1" };
    for (const [content, why] of [
      ["{", /cannot be used: /], [{}, /not a JSON array/], [[], /none of its servers votes/], [[{ ...a, non_voter: true }], /none of its servers votes/], [[{ address: "h:1" }], /server 1 has no id/],
      [[{ id: "n1", address: "https://h:1" }], /no address as host:port/], [[{ ...a, non_voter: "no" }], /non_voter of server n1/], [[a, { ...a, address: "h:2" }], /two servers have the id n1/],
      [[a, { ...a, id: "n2" }], /two servers have the address h:1/], [[null], /server 1 has no id/], [[{ id: "n9", address: "h:1" }], /does not name this node, n1/],
    ] as const) {
      const path = leave(directory, content);
      await assert.rejects(cluster.start(only!), (error) => error instanceof RecoveryError && why.test(error.message), String(why));
      assert.ok(existsSync(path));
    }
    const path = leave(directory, [a]);
    assert.deepEqual(readPeers(path), [{ ...a, voter: true }]);
  } finally {
    await cluster.close();
  }
});

test("a server that is started alone is the only one from then on, with everything that it held", async () => {
  const cluster = await createMembers(3);
  try {
    await cluster.form();
    const [first, second] = cluster.members;
    for (let i = 0; i < 5; i++) assert.equal((await (await cluster.leader()).host!.propose(Buffer.from(`entry ${i}`))).outcome, "applied");
    await until("the second has it all", () => second!.machine.applied.length === 5);
    for (const member of cluster.members) await cluster.stop(member);
    const path = leave(cluster.directoryOf(second!), [{ id: first!.id, address: first!.address }]);
    await assert.rejects(cluster.start(second!, { alone: true }), (error: Error) => error instanceof RecoveryError && error.message.includes("remove it first"));
    rmSync(path);
    // Twice: it is the only one already then.
    for (const expected of [6, 7]) {
      const host = await cluster.start(second!, { alone: true });
      await cluster.leader();
      assert.deepEqual(host.status().configuration.servers.map(({ id, voter }) => [id, voter]), [["n2", true]]);
      assert.equal((await host.propose(Buffer.from("alone"))).outcome, "applied");
      assert.equal(second!.machine.applied.length, expected);
      await cluster.stop(second!);
    }
    await cluster.start(second!);
    assert.deepEqual((await cluster.leader()).host!.status().configuration.servers.map(({ id }) => id), ["n2"]);
  } finally {
    await cluster.close();
  }
});
