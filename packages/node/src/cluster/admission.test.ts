import assert from "node:assert/strict";
import test from "node:test";
import { RequestError } from "@coffer/state-machine";
import { found, joinCluster, testNode, unseal, until } from "../server/testing/test-node.js";
import type { Founded, TestNode } from "../server/testing/test-node.js";
import { changed, hostAndPort } from "./admission.js";

const serversOf = async (node: TestNode, { rootToken }: Founded) => (await node.ask("read", "sys/storage/raft/configuration", undefined, { token: rootToken })).body.data.config.servers as { node_id: string; voter: boolean; leader: boolean }[];
const remove = (node: TestNode, { rootToken }: Founded, server_id: string) => node.ask("update", "sys/storage/raft/remove-peer", { server_id }, { token: rootToken });

test("a non-voter stays one, and a server goes on with what the former leader began", async (t) => {
  const [n1, n2, n3, n4] = [await testNode(t, "n1"), await testNode(t, "n2"), await testNode(t, "n3"), await testNode(t, "n4")];
  const made = await found(n1);
  await joinCluster(n2, n1, made);
  await joinCluster(n3, n1, made);
  await n4.ask("update", "sys/storage/raft/join", { leader_api_addr: n1.address, non_voter: true });
  assert.equal((await unseal(n4, made.keys)).status, 200);
  // The next leader has to know it too.
  assert.equal((await n1.ask("update", "sys/step-down", {}, { token: made.rootToken })).status, 204);
  const leader = await until("another leads", async () => {
    for (const node of [n2, n3]) if ((await node.ask("read", "sys/leader")).body.is_self) return node;
    return undefined;
  });
  await n4.stop();
  const before = await serversOf(leader, made);
  assert.deepEqual(before.map(({ node_id, voter }) => [node_id, voter]), [["n1", true], ["n2", true], ["n3", true], ["n4", false]]);

  // Removal of the leader itself: it answers, another takes over, and the rest goes on.
  const removed = await remove(leader, made, leader.id);
  assert.equal(removed.status, 204, JSON.stringify(removed.body));
  const rest = [n1, n2, n3].filter((node) => node !== leader);
  const next = await until("the rest has a leader", async () => {
    for (const node of rest) if ((await node.ask("read", "sys/leader")).body.is_self) return node;
    return undefined;
  });
  assert.deepEqual((await serversOf(next, made)).map(({ node_id }) => node_id).sort(), ["n1", "n2", "n3", "n4"].filter((id) => id !== leader.id));
  assert.equal((await next.ask("update", "sys/mounts/kv", { type: "kv" }, { token: made.rootToken })).status, 204);
});

test("a server that is removed while it waits for its vote stays away, and may come back as a new one", async (t) => {
  const [n1, n2] = [await testNode(t, "n1"), await testNode(t, "n2")];
  const made = await found(n1);
  const { node_id } = { node_id: "n2" };
  await n2.ask("update", "sys/storage/raft/join", { leader_api_addr: n1.address });
  assert.equal((await unseal(n2, made.keys)).status, 200);
  assert.equal((await remove(n1, made, node_id)).status, 204);
  await n2.stop();
  // Two rounds of the leader's duties would have given the vote.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  assert.deepEqual((await serversOf(n1, made)).map((server) => server.node_id), ["n1"]);
  const fresh = await testNode(t, "n2");
  await joinCluster(fresh, n1, made);
  assert.equal((await serversOf(n1, made)).length, 2);
});

test("what cannot be changed is said, with a status that tells whether to try again", async (t) => {
  const n1 = await testNode(t, "n1");
  const made = await found(n1);
  const unknown = await remove(n1, made, "n7");
  assert.deepEqual([unknown.status, unknown.body.errors], [400, ["no server n7 in the cluster"]]);
  const last = await remove(n1, made, "n1");
  assert.equal(last.status, 400);
  const statusOf = (reason: Parameters<typeof changed>[0]) => {
    try {
      changed(reason);
    } catch (error) {
      return (error as RequestError).status;
    }
    return 200;
  };
  const refusals = ["not-leader", "change-in-progress", "timeout", "id-in-use"] as const;
  assert.deepEqual(refusals.map((reason) => statusOf({ ok: false, reason, message: "m" })), [503, 503, 503, 400]);
  assert.equal(statusOf({ ok: true, index: 1 }), 200);
});

test("a cluster address is host and port, with or without a scheme", () => {
  for (const [given, wanted] of [["https://10.0.0.1:8201", "10.0.0.1:8201"], ["https://a.b-c:8201/", "a.b-c:8201"], ["[::1]:1", "[::1]:1"], ["h:65535", "h:65535"]] as const) assert.equal(hostAndPort(given), wanted);
  for (const given of ["", "h", "h:", "h:0", "h:65536", "https://h", "h:1/x", "u@h:1", "h:1 ", "http://a:1,b:2"]) assert.throws(() => hostAndPort(given), RequestError, given);
});
