import assert from "node:assert/strict";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { Readable } from "node:stream";
import test from "node:test";
import { raft } from "@coffer/client";
import { readSnapshotFile } from "@coffer/node";
import { startCluster } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function call(node: NodeProcess, method: string, path: string, headers: Readonly<Record<string, string>>, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request(`${node.address}/v1/${path}`, { method, headers: { ...headers, ...(text && { "Content-Length": Buffer.byteLength(text) }) } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

test("a standby serves reads from its own disk and forwards writes", async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  const active = await cluster.active();
  const [standby, other] = await cluster.standbys();
  assert.ok(standby && other);
  const nodes: readonly NodeProcess[] = [other, standby, active];
  const token = { "X-Vault-Token": cluster.rootToken };

  await t.test("a write on a standby is seen at once on every node", async () => {
    for (let n = 1; n <= 20; n++) {
      const written = await call(standby, "POST", "secret/data/ryw", token, { data: { n } });
      assert.equal(written.status, 200, written.body);
      const seen = await Promise.all(nodes.map(async (node) => (JSON.parse((await call(node, "GET", "secret/data/ryw", token)).body) as { data: { data: { n: number } } }).data.data.n));
      assert.deepEqual(seen, [n, n, n]);
    }
  });

  await t.test("X-Vault-Index goes round: an answer's state can be demanded elsewhere; one from the future is 412", async () => {
    const written = await call(active, "POST", "secret/data/indexed", token, { data: { n: 1 } });
    const index = String(written.headers["x-vault-index"]);
    const [version, clusterId, logIndex] = Buffer.from(index, "base64").toString().split(":");
    assert.equal(version, "v1");
    assert.equal((await call(standby, "GET", "secret/data/indexed", { ...token, "X-Vault-Index": index })).status, 200);
    const future = Buffer.from(`v1:${clusterId}:${Number(logIndex) + 1_000_000}:0:00`).toString("base64");
    const refused = await call(standby, "GET", "secret/data/indexed", { ...token, "X-Vault-Index": future });
    assert.equal(refused.status, 412);
    assert.deepEqual(JSON.parse(refused.body), { errors: ["required index state not present"] });
  });

  await t.test("without forwarding a standby answers 307 with the active node's address, path and query", async () => {
    const answer = await call(standby, "POST", "secret/data/there?x=1", { ...token, "X-Vault-No-Request-Forwarding": "true" }, { data: {} });
    assert.equal(answer.status, 307);
    assert.equal(answer.headers["location"], `${active.address}/v1/secret/data/there?x=1`);
    assert.equal(answer.body, "");
  });

  await t.test("X-Vault-Forward: active-node is answered by the active node", async () => {
    const answer = await call(standby, "GET", "secret/data/ryw", { ...token, "X-Vault-Forward": "active-node" });
    assert.equal(answer.status, 200);
  });

  await t.test("a standby takes a snapshot itself, with all that was written before, and hands one to restore on to the active node", async () => {
    const written = await call(active, "POST", "secret/data/in-snapshot", token, { data: { n: 1 } });
    const [, , index] = Buffer.from(String(written.headers["x-vault-index"]), "base64").toString().split(":");
    const saved = await readSnapshotFile(await raft.saveSnapshot(cluster.client(standby)), tmpdir());
    assert.ok(saved.meta.index >= Number(index));
    await saved.dispose();
    const chunks: Buffer[] = [];
    for await (const chunk of await raft.saveSnapshot(cluster.client(standby))) chunks.push(chunk as Buffer);
    await call(active, "POST", "secret/data/after-snapshot", token, { data: { n: 1 } });
    await raft.restoreSnapshot(cluster.client(standby), () => Readable.from(chunks), false);
    const found = async (path: string) => (await call(standby, "GET", `secret/data/${path}`, token)).status;
    assert.deepEqual([await found("in-snapshot"), await found("after-snapshot")], [200, 404]);
    const refused = await call(standby, "POST", "sys/storage/raft/snapshot", token, { not: "a snapshot" });
    assert.equal(refused.status, 400);
    const forbidden = await call(standby, "POST", "sys/storage/raft/snapshot", {}, { not: "a snapshot" });
    assert.equal(forbidden.status, 403);
  });

  await t.test("health and leader speak of the node that is asked", async () => {
    assert.equal((await call(standby, "GET", "sys/health", {})).status, 429);
    assert.equal((await call(standby, "GET", "sys/health?standbyok=true", {})).status, 200);
    assert.equal((await call(standby, "HEAD", "sys/health", {})).status, 429);
    const leader = JSON.parse((await call(standby, "GET", "sys/leader", {})).body) as { is_self: boolean; leader_address: string };
    assert.deepEqual([leader.is_self, leader.leader_address], [false, active.address]);
  });

  await t.test("a sealed standby answers 503 with the word sealed, and still follows", async () => {
    assert.equal((await call(other, "PUT", "sys/seal", token)).status, 204);
    const refused = await call(other, "GET", "secret/data/ryw", token);
    assert.equal(refused.status, 503);
    assert.deepEqual(JSON.parse(refused.body), { errors: ["Vault is sealed"] });
    assert.equal((await call(active, "POST", "secret/data/while-sealed", token, { data: { n: 1 } })).status, 200);
    await cluster.unseal(other);
    assert.equal((await call(other, "GET", "secret/data/while-sealed", token)).status, 200);
  });

  await t.test("a namespace is refused clearly", async () => {
    const answer = await call(active, "GET", "secret/data/ryw", { ...token, "X-Vault-Namespace": "team-a" });
    assert.equal(answer.status, 400);
    assert.match(answer.body, /namespace/);
  });
});
