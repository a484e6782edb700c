import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { deriveKey, openRootKey } from "@coffer/state-machine";
import { createCa } from "../certificates/certificates.js";
import { testCertificates } from "../http/testing/certificates.js";
import { found, joinCluster, testNode, unseal, until } from "../server/testing/test-node.js";
import type { TestNode } from "../server/testing/test-node.js";
import { answerChallenge } from "./join-protocol.js";
import { askToJoin, proveAndJoin } from "./joining.js";
import { readIdentity } from "./node-identity.js";

const requestTo = (address: string) => ({ leaderApiAddress: address, retry: false, nonVoter: false });
const refused = (code: string, pattern: RegExp) => (error: { code?: string; message: string }) => error.code === code && pattern.test(error.message);

async function serversOf(node: TestNode, token: string): Promise<readonly { node_id: string; voter: boolean }[]> {
  return (await node.ask("read", "sys/storage/raft/configuration", undefined, { token })).body.data.config.servers;
}

/** Stands between a joiner and the active node, and changes what that answers. */
async function between(t: { after(fn: () => void): void }, address: string, tamper: (path: string, data: Record<string, unknown>) => void): Promise<string> {
  const proxy = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await fetch(`${address}${request.url}`, { method: request.method!, body: Buffer.concat(chunks) });
      const body = (await answer.json()) as { data?: Record<string, unknown> };
      if (body.data) tamper(request.url!, body.data);
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(body));
    })();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => proxy.once("listening", resolve));
  t.after(() => void proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

test("a node joins, votes, serves, and is a member again after a restart", async (t) => {
  const leader = await testNode(t, "n1");
  const made = await found(leader, 3, 2);
  const joiner = await testNode(t, "n2");
  assert.deepEqual((await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: leader.address })).body, { joined: true });
  assert.deepEqual((await joiner.ask("update", "sys/init", { secret_shares: 1, secret_threshold: 1 })).status, 400);
  const half = await unseal(joiner, made.keys.slice(0, 1));
  assert.deepEqual([half.body.progress, half.body.t, half.body.n, half.body.sealed], [1, 2, 3, true]);
  assert.deepEqual((await unseal(joiner, made.keys.slice(1, 2))).body.sealed, false);
  await until("n2 votes", async () => (await serversOf(leader, made.rootToken)).find(({ node_id }) => node_id === "n2")?.voter);
  assert.equal((await joiner.ask("read", "auth/token/lookup-self", undefined, { token: made.rootToken })).status, 200);
  assert.equal((await joiner.ask("update", "sys/mounts/kv", { type: "kv" }, { token: made.rootToken })).status, 204, "a write through the standby");

  await joiner.stop();
  await joiner.start();
  assert.equal((await joiner.ask("read", "sys/seal-status")).body.sealed, true);
  await until("n2 has its state", async () => (await joiner.ask("read", "sys/seal-status")).body.initialized);
  assert.equal((await unseal(joiner, made.keys.slice(0, 2))).body.sealed, false);
  assert.equal((await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: leader.address })).status, 400);
});

test("two requests with the last share join once", async (t) => {
  const leader = await testNode(t, "n1");
  const made = await found(leader);
  const joiner = await testNode(t, "n2");
  await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: leader.address });
  const both = await Promise.all([unseal(joiner, made.keys), unseal(joiner, made.keys)]);
  assert.ok(both.every(({ status }) => status === 200 || status === 400));
  await until("n2 is unsealed", async () => !(await joiner.ask("read", "sys/seal-status")).body.sealed);
  assert.deepEqual((await serversOf(leader, made.rootToken)).map(({ node_id }) => node_id), ["n1", "n2"]);
});

test("an answer that was lost is asked for again; a server that has taken part is not replaced", async (t) => {
  const leader = await testNode(t, "n1");
  const made = await found(leader);
  const offer = await askToJoin(requestTo(leader.address), "n2");
  const rootKey = openRootKey(made.keys[0]!, offer.sealedRootKey!);
  const joiner = await testNode(t, "n2");
  // The joiner's process ended each time before it could keep its identity.
  for (let i = 0; i < 2; i++) {
    const identity = await proveAndJoin(offer, rootKey, "n2", joiner.configuration.clusterAddress);
    assert.deepEqual([identity.origin, identity.nodeId], ["joining", "n2"]);
  }
  await joinCluster(joiner, leader, made);
  await joiner.stop();
  await assert.rejects(proveAndJoin(offer, rootKey, "n2", "127.0.0.1:1"), refused("invalid_request", /"n2" is part of the cluster.*remove-peer n2/));
  await assert.rejects(proveAndJoin(offer, rootKey, "n1", "127.0.0.1:1"), refused("invalid_request", /"n1" is part of the cluster/));
});

test("without the root key, with a garbage key or address, or as another server nobody gets in", async (t) => {
  const leader = await testNode(t, "n1");
  const made = await found(leader);
  const offer = await askToJoin(requestTo(leader.address), "n2");
  await assert.rejects(proveAndJoin(offer, new Uint8Array(32), "n2", "127.0.0.1:1"), refused("invalid_request", /not those of the cluster/));

  const joinKey = deriveKey(openRootKey(made.keys[0]!, offer.sealedRootKey!), "join-challenge");
  const answer = async (publicKey: string, more: object = {}, challengedAs = "n2") => {
    const { body } = await leader.ask("update", "sys/storage/raft/bootstrap/challenge", { server_id: challengedAs });
    const sealed = answerChallenge(joinKey, Buffer.from(body.data.challenge, "base64"), "n2", publicKey)!;
    return leader.ask("update", "sys/storage/raft/bootstrap/answer", { server_id: "n2", answer: Buffer.from(sealed).toString("base64"), cluster_addr: "127.0.0.1:1", public_key: publicKey, ...more });
  };
  for (const publicKey of ["", "PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]) assert.equal((await answer(publicKey)).status, 400, publicKey);
  for (const cluster_addr of ["nowhere", "127.0.0.1", "127.0.0.1:70000", "http://a:1/path", ""]) assert.equal((await answer("PEM", { cluster_addr })).status, 400, cluster_addr);
  assert.equal((await answer("PEM", {}, "n3")).status, 403);
  assert.equal((await answer("PEM", { answer: "AAAA" })).status, 403);
  assert.equal((await leader.ask("update", "sys/storage/raft/bootstrap/challenge", { server_id: "no spaces" })).status, 400);
  assert.deepEqual((await serversOf(leader, made.rootToken)).map(({ node_id }) => node_id), ["n1"]);
});

test("who stands between cannot put another CA in place, or make a node ask for nonsense", async (t) => {
  const leader = await testNode(t, "n1");
  const made = await found(leader);
  const foreign = await createCa("foreign");
  const joiner = await testNode(t, "n2");
  const throughProxy = async (tamper: (path: string, data: Record<string, unknown>) => void) => {
    await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: await between(t, leader.address, tamper) });
    return unseal(joiner, made.keys);
  };
  for (const changes of [{ cluster_ca: foreign.certificate }, { certificate: foreign.certificate }, { cluster_ca: "junk" }, { sealed_ca_key: "AAAA" }, { cluster_id: 7 }]) {
    const { status } = await throughProxy((path, data) => void (path.endsWith("/answer") && Object.assign(data, changes)));
    assert.equal(status, 502, JSON.stringify(Object.keys(changes)));
    assert.equal(readIdentity(joiner.folder), undefined);
  }
  const nonsense = await between(t, leader.address, (_path, data) => Object.assign(data["seal_config"] as object, { secret_threshold: "x" }));
  assert.equal((await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: nonsense })).status, 400);
  await joinCluster(joiner, leader, made);
});

test("an offer whose node is gone can be replaced by another", async (t) => {
  const leader = await testNode(t, "n1");
  const made = await found(leader);
  const joiner = await testNode(t, "n2");
  let isGone = false;
  const proxy = await between(t, leader.address, (_path, data) => {
    if (isGone) delete data["challenge"];
  });
  await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: proxy });
  isGone = true;
  assert.equal((await unseal(joiner, made.keys)).status, 502);
  await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: leader.address });
  assert.equal((await unseal(joiner, made.keys)).body.sealed, false);
});

test("a leader behind TLS is joined with its CA certificate, and not without", async (t) => {
  const certificates = await testCertificates(t);
  const leader = await testNode(t, "n1", { tls: certificates.tls() });
  const made = await found(leader);
  const joiner = await testNode(t, "n2");
  const without = await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: leader.address });
  assert.equal(without.status, 502);
  assert.match(without.body.errors[0], /cannot join through/);
  assert.deepEqual((await joiner.ask("update", "sys/storage/raft/join", { leader_api_addr: leader.address, leader_ca_cert: certificates.ca })).body, { joined: true });
  assert.equal((await unseal(joiner, made.keys)).body.sealed, false);
});
