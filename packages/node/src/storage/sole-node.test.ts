import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, postgresProgram, startPostgres } from "@coffer/counterparts";
import { found, temporaryFolder, testNode, unseal, until } from "../server/testing/test-node.js";

test("a node alone says so, and the paths of raft are not there", async (t) => {
  const node = await testNode(t, "n1", { storage: { type: "file", path: join(temporaryFolder(t), "data") } });
  const { rootToken } = await found(node);
  const as = { token: rootToken };
  assert.equal((await node.ask("read", "sys/seal-status")).body.storage_type, "file");
  assert.deepEqual((await node.ask("read", "sys/leader")).body, { ha_enabled: false, is_self: false, active_time: "0001-01-01T00:00:00Z", leader_address: "", leader_cluster_address: "", performance_standby: false, performance_standby_last_remote_wal: 0 });
  assert.equal((await node.ask("read", "sys/health")).body.standby, false);
  const { nodes } = (await node.ask("read", "sys/ha-status", undefined, as)).body.data;
  assert.deepEqual([nodes.length, nodes[0].active_node, nodes[0].api_address], [1, true, node.address]);
  const unsupported = [404, ["1 error occurred:\n\t* unsupported path\n\n"]];
  for (const path of ["configuration", "snapshot", "autopilot/state"]) {
    const { status, body } = await node.ask("read", `sys/storage/raft/${path}`, undefined, as);
    assert.deepEqual([status, body.errors], unsupported, path);
  }
  const removed = await node.ask("update", "sys/storage/raft/remove-peer", { server_id: "n2" }, as);
  assert.deepEqual([removed.status, removed.body.errors], unsupported);
  const joined = await node.ask("update", "sys/storage/raft/join", { leader_api_addr: "http://127.0.0.1:1" });
  assert.deepEqual([joined.status, joined.body.errors], [500, ["raft backend not in use"]]);
  assert.equal((await node.ask("update", "sys/step-down", {}, as)).status, 204);
  assert.equal((await node.ask("read", "sys/mounts", undefined, as)).status, 200, "there is nobody to take over");
});

test("sealing and a restart keep everything; the node is initialized, and cannot be again", async (t) => {
  const node = await testNode(t, "n1", { storage: { type: "file", path: join(temporaryFolder(t), "data") } });
  const made = await found(node);
  const as = { token: made.rootToken };
  await node.ask("update", "sys/mounts/kv", { type: "kv" }, as);
  await node.ask("update", "kv/a", { v: "1" }, as);
  assert.equal((await node.ask("update", "sys/seal", {}, as)).status, 204);
  assert.equal((await node.ask("read", "kv/a", undefined, as)).status, 503);
  await unseal(node, made.keys);
  await until("it serves again", async () => (await node.ask("read", "kv/a", undefined, as)).status === 200);
  await node.stop();
  await node.start();
  const status = (await node.ask("read", "sys/seal-status")).body;
  assert.deepEqual([status.initialized, status.sealed], [true, true]);
  assert.equal((await node.ask("update", "sys/init", { secret_shares: 1, secret_threshold: 1 })).status, 400);
  await unseal(node, made.keys);
  await until("it serves", async () => (await node.ask("read", "kv/a", undefined, as)).status === 200);
});

test("while its PostgreSQL is away it says so, and goes on by itself", { skip: postgresProgram() === undefined && "PostgreSQL is not installed" }, async (t) => {
  const server = await startPostgres();
  const node = await testNode(t, "n1", { storage: { type: "postgresql", connectionUrl: server.url(), table: "coffer_kv_store" } });
  t.after(() => server.stop());
  const { rootToken } = await found(node);
  const as = { token: rootToken };
  await node.ask("update", "sys/mounts/kv", { type: "kv" }, as);
  await server.halt();
  const away = "this node's storage is out of reach: nothing is served until that is over";
  await until("it notices without a write", async () => (await node.ask("read", "sys/mounts", undefined, as)).body.errors?.[0] === away);
  assert.equal((await node.ask("read", "sys/health")).status, 503);
  const write = await node.ask("update", "kv/a", { v: "1" }, as);
  assert.deepEqual([write.status, write.body.errors], [503, ["leadership, or the storage, was lost while the request was committed; it may or may not have taken effect"]]);
  for (const path of ["kv/a", "sys/mounts"]) {
    const { status, body } = await node.ask("read", path, undefined, as);
    assert.deepEqual([status, body.errors], [503, [away]], path);
  }
  const health = await node.ask("read", "sys/health");
  assert.deepEqual([health.status, health.body.errors], [503, [away]]);
  await server.start();
  await until("it serves again", async () => (await node.ask("read", "sys/health")).status === 200);
  assert.equal((await node.ask("read", "kv/a", undefined, as)).body.data.v, "1", "what was under way is there");
});

/** A server as a process, on storage "file". */
async function serve(configuration: string, address: string): Promise<ChildProcess> {
  const script = `import { runServer } from ${JSON.stringify(new URL("../index.js", import.meta.url).href)}; process.exit(await runServer({ configPaths: [${JSON.stringify(configuration)}], logLevel: "error", logFormat: undefined }));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore", cwd: fileURLToPath(new URL("..", import.meta.url)) });
  await until("it answers", () => fetch(`${address}/v1/sys/seal-status`).then(({ ok }) => ok, () => false));
  return child;
}

test("killed in the middle of writes, it comes back with every write that was acknowledged", async (t) => {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const [address, configuration] = [`http://127.0.0.1:${port}`, join(folder, "c.hcl")];
  writeFileSync(configuration, `listener "tcp" {\n address = "127.0.0.1:${port}"\n tls_disable = true\n}\nstorage "file" { path = ${JSON.stringify(join(folder, "data"))} }\napi_addr = "${address}"\n`);
  let child = await serve(configuration, address);
  t.after(() => void child.kill("SIGKILL"));
  const ask = async (method: string, path: string, token = "", body?: unknown) => {
    const answer = await fetch(`${address}/v1/${path}`, { method, headers: { "x-vault-token": token }, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, any>) }; // eslint-disable-line @typescript-eslint/no-explicit-any -- answers of many shapes
  };
  const { body: made } = await ask("PUT", "sys/init", "", { secret_shares: 1, secret_threshold: 1 });
  const token = made["root_token"] as string;
  const open = async () => {
    await ask("PUT", "sys/unseal", "", { key: (made["keys"] as string[])[0] });
    await until("it is active", async () => (await ask("GET", "sys/health")).status === 200);
  };
  await open();
  await ask("PUT", "sys/mounts/kv", token, { type: "kv" });
  let acknowledged = 0;
  for (const round of [1, 2]) {
    const writing = (async () => {
      for (;;) {
        if ((await ask("PUT", "kv/count", token, { n: acknowledged + 1 })).status !== 204) return;
        acknowledged += 1;
      }
    })().catch(() => undefined);
    const goal = acknowledged + 20;
    await until("it has written", () => acknowledged >= goal);
    child.kill("SIGKILL");
    await once(child, "exit");
    await writing;
    child = await serve(configuration, address);
    await open();
    const { body } = await ask("GET", "kv/count", token);
    const n = body["data"].n as number;
    assert.ok(n === acknowledged || n === acknowledged + 1, `round ${round}: ${n} after ${acknowledged}`);
    acknowledged = n;
  }
});
