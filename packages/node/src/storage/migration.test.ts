import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { postgresProgram, startPostgres } from "@coffer/counterparts";
import { loadMigration } from "../configuration/migration.js";
import type { Configuration } from "../configuration/types.js";
import { createLogging } from "../logging/logger.js";
import { found, raftStorage, temporaryFolder, testNode, unseal, until } from "../server/testing/test-node.js";
import type { Founded, TestNode } from "../server/testing/test-node.js";
import { migrate } from "./migration.js";
import { runMigration } from "./run-migration.js";

type Lasting = Exclude<Configuration["storage"], { type: "inmem" }>;

async function run(source: Lasting, destination: Lasting): Promise<{ readonly keys: number }> {
  const logger = createLogging({ level: "error", format: "standard", file: undefined }).logger("migrate");
  return migrate({ source, destination, clusterAddress: "https://127.0.0.1:8201", warnings: [] }, logger);
}

async function fill(node: TestNode): Promise<Founded> {
  const made = await found(node);
  const as = { token: made.rootToken };
  assert.equal((await node.ask("update", "sys/mounts/kv", { type: "kv" }, as)).status, 204);
  for (let i = 0; i < 20; i++) assert.equal((await node.ask("update", `kv/app/${i}`, { v: `${i}` }, as)).status, 204);
  assert.equal((await node.ask("delete", "kv/app/19", undefined, as)).status, 204);
  return made;
}

async function check(node: TestNode, { keys, rootToken }: Founded, write: string): Promise<void> {
  assert.equal((await unseal(node, keys)).body.sealed, false);
  await until(`${node.id} is active`, async () => (await node.ask("read", "sys/health")).status === 200);
  const as = { token: rootToken };
  assert.equal((await node.ask("list", "kv/app", undefined, as)).body.data.keys.length, 19);
  assert.equal((await node.ask("read", "kv/app/7", undefined, as)).body.data.v, "7");
  assert.equal((await node.ask("update", "kv/later", { by: write }, as)).status, 204);
}

test("file to raft and back: the same keys unseal it, and everything is there, what was written between too", async (t) => {
  const folder = temporaryFolder(t);
  const [file, raft, back] = [{ type: "file", path: join(folder, "file") }, raftStorage(join(folder, "raft"), "n1"), { type: "file", path: join(folder, "back") }] as const;
  const first = await testNode(t, "n1", { storage: file });
  const made = await fill(first);
  await assert.rejects(run(file, raft), /is in use by another process/);
  await first.stop();
  assert.ok((await run(file, raft)).keys > 30);
  await assert.rejects(run(file, raft), /the destination holds an initialized state already/);

  const second = await testNode(t, "n1", { storage: raft });
  assert.equal((await second.ask("read", "sys/seal-status")).body.storage_type, "raft");
  await check(second, made, "raft");
  const third = await testNode(t, "n2");
  await third.ask("update", "sys/storage/raft/join", { leader_api_addr: second.address });
  await third.stop();
  await second.stop();

  await run(raft, back);
  await assert.rejects(run(raft, file), /the destination holds an initialized state already/);
  const fourth = await testNode(t, "n1", { storage: back });
  assert.equal((await fourth.ask("read", "sys/seal-status")).body.storage_type, "file");
  await check(fourth, made, "file");
  assert.equal((await fourth.ask("read", "kv/later", undefined, { token: made.rootToken })).body.data.by, "file");
});

test("postgresql to raft, and raft to postgresql", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, async (t) => {
  const server = await startPostgres();
  t.after(() => server.stop());
  const folder = temporaryFolder(t);
  const table = (name: string) => ({ type: "postgresql", connectionUrl: server.url(), table: name }) as const;
  const first = await testNode(t, "n1", { storage: table("a") });
  const made = await fill(first);
  await first.stop();
  const raft = raftStorage(join(folder, "raft"), "n1");
  await run(table("a"), raft);
  const second = await testNode(t, "n1", { storage: raft });
  await check(second, made, "raft");
  await second.stop();
  await run(raft, table("b"));
  const third = await testNode(t, "n1", { storage: table("b") });
  await check(third, made, "postgresql");
  assert.equal((await third.ask("read", "kv/later", undefined, { token: made.rootToken })).body.data.by, "postgresql");
  await third.stop();
});

test("a source without a state is refused, and the destination can be used afterwards", async (t) => {
  const folder = temporaryFolder(t);
  const [empty, raft] = [{ type: "file", path: join(folder, "empty") }, raftStorage(join(folder, "raft"), "n1")] as const;
  await assert.rejects(run(empty, raft), /the source holds no initialized state/);
  const file = { type: "file", path: join(folder, "file") } as const;
  await assert.rejects(run(empty, file), /the source holds no initialized state/);
  const other = await testNode(t, "n2", { storage: file });
  assert.equal((await other.ask("read", "sys/seal-status")).body.initialized, false);
  await found(other);
  await assert.rejects(run(raft, empty), /holds no node of a cluster/);
  const node = await testNode(t, "n1", { storage: raft });
  await found(node);
});

test("a file that cannot be used is told by its line, and nothing is opened", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "m.hcl");
  const problem = async (text: string) => {
    writeFileSync(file, text);
    const done = await runMigration(file, "error");
    assert.ok(!done.ok);
    return done.problem.replaceAll(`${folder}/`, "");
  };
  const source = 'storage_source "file" { path = "/a" }\n';
  assert.match(await problem(""), /the configuration has no storage_source/);
  assert.match(await problem(source), /the configuration has no storage_destination/);
  assert.match(await problem(`${source}storage_destination "inmem" {}`), /m\.hcl:2:1: storage "inmem" keeps nothing/);
  assert.match(await problem(`${source}storage_destination "raft" { path = "/b" }`), /needs cluster_addr/);
  assert.match(await problem(`${source}storage_destination "raft" { path = "/b" }\ncluster_addr = "node-1"`), /m\.hcl:3:16: cluster_addr takes a URL with a port/);
  assert.match(await problem(`${source}storage_destination "file" {}`), /m\.hcl:2:1: storage "file" needs path/);
  assert.match(await problem(`${source}storage_destination "file" { path = "/b" }\nlistener "tcp" {}`), /m\.hcl:3:1: unknown key "listener"/);
  writeFileSync(file, `${source}storage_destination "raft" {\n path = "/b"\n node_id = "n1"\n}\ncluster_addr = "https://n1:8201"`);
  assert.equal(loadMigration(file).clusterAddress, "https://n1:8201");
});
