import assert from "node:assert/strict";
import { test } from "node:test";
import { createMembers, until } from "../testing/cluster.js";

test("two of three servers, the leader among them, are replaced by one change", async (t) => {
  const cluster = await createMembers(5);
  t.after(() => cluster.close());
  await cluster.form(3);
  const [n1, n2, n3, n4, n5] = cluster.members;
  const first = await cluster.leader();
  for (const member of [n4!, n5!]) {
    await cluster.start(member);
    assert.equal((await first.host!.addServer({ id: member.id, address: member.address, voter: false })).ok, true);
    await until("the learner has answered", () => first.host!.status().servers.some(({ id, matchIndex }) => id === member.id && matchIndex > 0));
  }
  assert.equal((await first.host!.propose(Buffer.from("before"))).outcome, "applied");
  const staying = [n1!, n2!, n3!].find((member) => member !== first)!;
  const target = [staying, n4!, n5!].map(({ id, address }) => ({ id, address, voter: true }));
  assert.equal((await first.host!.changeServers(target)).ok, true);

  const next = await until("a leader among the new ones", () => [staying, n4!, n5!].find(({ host }) => host!.status().role === "leader"));
  assert.deepEqual(next.host!.status().configuration, { servers: target });
  assert.equal((await next.host!.propose(Buffer.from("after"))).outcome, "applied");
});

test("a change that would leave no voter, names a server twice or gives a stranger a vote is refused", async (t) => {
  const cluster = await createMembers(2);
  t.after(() => cluster.close());
  await cluster.form(1);
  const leader = await cluster.leader();
  const n1 = { id: "n1", address: leader.address, voter: true };
  for (const [servers, reason] of [[[{ ...n1, voter: false }], "last-voter"], [[n1, n1], "id-in-use"], [[n1, { id: "n9", address: "n9:1", voter: true }], "unknown-server"]] as const) {
    const refused = await leader.host!.changeServers(servers);
    assert.deepEqual([refused.ok, !refused.ok && refused.reason], [false, reason]);
  }
});
