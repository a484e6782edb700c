import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import test from "node:test";
import { RequestError } from "@coffer/state-machine";
import type { ApiRequest, Store } from "@coffer/state-machine";
import { createMountPaths } from "./mount-paths.js";
import { found, testNode } from "./testing/test-node.js";

test("a path's mount is found in a table that is read once a second, and not while sealed", () => {
  const table: Record<string, string> = { "secret/": "1", "a/b/": "2", "auth/token/": "3", "sys/": "4" };
  let now = 0;
  let reads = 0;
  let isSealed = false;
  const evaluate = () => {
    reads += 1;
    return { value: table };
  };
  const mounts = createMountPaths({ evaluate } as unknown as Store, () => isSealed, () => now);
  assert.deepEqual(["secret/data/x", "a/b/c", "a/x", "auth/token/lookup-self", "auth/none/login", "sys/health", "secret", ""].map((path) => mounts.of(path)), ["secret/", "a/b/", undefined, "auth/token/", undefined, "sys/", undefined, undefined]);
  assert.deepEqual(mounts.counts(), { secret: 3, auth: 1 });
  assert.equal(reads, 1);
  table["new/"] = "5";
  assert.equal(mounts.of("new/x"), undefined);
  now = 1000;
  assert.equal(mounts.of("new/x"), "new/");
  isSealed = true;
  now = 2000;
  assert.deepEqual([mounts.of("new/x"), mounts.counts(), reads], [undefined, undefined, 2]);
});

test("metrics tell mounts, routes and autopilot's verdict by the stored thresholds", async (t) => {
  const node = await testNode(t, "n1");
  const { application } = node.node();
  const { rootToken: token } = await found(node);
  const as = { token };
  assert.equal((await node.ask("update", "sys/storage/raft/autopilot/configuration", { max_trailing_logs: 7 }, as)).status, 204);
  const request: ApiRequest = { id: randomUUID(), operation: "read", path: "sys/mounts", query: {}, body: Buffer.alloc(0), contentType: "", token, headers: {}, remoteAddress: "", remotePort: 1 };
  const done = application.requests.begin(request);
  await application.handle(request);
  done(200);
  // The first scrape begins the count of tokens and leases.
  await node.ask("read", "sys/metrics", undefined, { ...as, query: { format: "prometheus" } });
  for (const type of ["service", "batch"]) assert.equal((await node.ask("update", "auth/token/create", { policies: ["default"], ttl: "1h", type }, as)).status, 200);
  const { status, body } = await node.ask("read", "sys/metrics", undefined, { ...as, query: { format: "prometheus" } });
  assert.equal(status, 200);
  for (const line of [/vault_core_mount_table_num_entries\{[^}]*type="logical"[^}]*\} [1-9]/, /vault_token_creation\{[^}]*token_type="batch"[^}]*\} 1\b/, /vault_token_creation\{[^}]*token_type="service"[^}]*\} 1\b/, /vault_autopilot_healthy(\{[^}]*\})? 1\b/]) assert.match(body as string, line);
});

test("what sys/storage/raft refuses has a status of its own", async (t) => {
  const node = await testNode(t, "n1");
  const { rootToken: token } = await found(node);
  const statusOf = async (operation: ApiRequest["operation"], path: string, body?: object) => (await node.ask(operation, `sys/storage/raft/${path}`, body, { token })).status;
  assert.equal(await statusOf("read", "configuration"), 200);
  assert.equal(await statusOf("update", "join", { leader_api_addr: "http://127.0.0.1:1" }), 400);
  assert.equal(await statusOf("update", "bootstrap/answer", { server_id: "x", answer: "AAAA", cluster_addr: "127.0.0.1:1" }), 403);
  assert.equal(await statusOf("update", "remove-peer", { server_id: "" }), 400);
  node.node().service.barrier.seal();
  assert.equal(await statusOf("read", "configuration"), new RequestError("sealed", "").status);
});
