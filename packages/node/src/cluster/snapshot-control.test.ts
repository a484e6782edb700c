import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import test from "node:test";
import type { ApiRequest, ApiResponse } from "@coffer/state-machine";
import { found, replyOf, testNode, unseal } from "../server/testing/test-node.js";
import type { Founded, TestNode } from "../server/testing/test-node.js";
import { collect } from "../http/testing/echo-application.js";

async function cluster(t: Parameters<typeof testNode>[0], id = "n1") {
  const node = await testNode(t, id);
  const made = await found(node);
  const as = { token: made.rootToken };
  assert.equal((await node.ask("update", "sys/mounts/kv", { type: "kv" }, as)).status, 204);
  const write = (value: string) => node.ask("update", "kv/a", { value }, as);
  const read = async () => (await node.ask("read", "kv/a", undefined, as)).body.data?.value as string;
  await write("first");
  return { node, made, write, read };
}

const raw = (node: TestNode, { rootToken }: Founded, operation: "read" | "update", path: string, stream?: Readable): ApiResponse | Promise<ApiResponse> => {
  const request: ApiRequest = { id: randomUUID(), operation, path: `sys/storage/raft/${path}`, query: {}, body: Buffer.alloc(0), contentType: "application/gzip", token: rootToken, headers: {}, remoteAddress: "127.0.0.1", remotePort: 1, ...(stream && { stream }) };
  return node.node().application.handle(request);
};

async function save(node: TestNode, made: Founded): Promise<Buffer> {
  const { status, body } = await raw(node, made, "read", "snapshot");
  assert.equal(status, 200);
  return collect(body as Readable);
}

const restore = async (node: TestNode, made: Founded, stream: Readable, path = "snapshot") => replyOf(await raw(node, made, "update", path, stream));
const whole = (bytes: Buffer) => Readable.from([bytes]);

test("a restore brings the saved state back and keeps the node unsealed", async (t) => {
  const { node, made, write, read } = await cluster(t);
  const saved = await save(node, made);
  await write("second");
  assert.equal((await restore(node, made, whole(saved))).status, 204);
  assert.equal(await read(), "first");
  assert.equal((await write("third")).status, 204);
  await node.stop();
  await node.start();
  await unseal(node, made.keys);
  assert.equal(await read(), "third");
});

test("a file that breaks off, is damaged, or is none changes nothing", async (t) => {
  const { node, made, write, read } = await cluster(t);
  const saved = await save(node, made);
  await write("second");
  const damaged = Buffer.from(saved);
  damaged[Math.floor(damaged.length / 2)]! ^= 1;
  const files = { none: Buffer.alloc(0), text: Buffer.from("no gzip"), short: saved.subarray(0, saved.length - 40), damaged };
  for (const [name, file] of Object.entries(files)) assert.equal((await restore(node, made, whole(file))).status, 400, name);
  const broken = new Readable({
    read() {
      this.push(saved.subarray(0, 100));
      this.destroy(new Error("the client went away"));
    },
  });
  assert.ok((await restore(node, made, broken)).status >= 400);
  assert.equal(await read(), "second");
});

test("two restores at once leave one of the two states, whole", async (t) => {
  const { node, made, write, read } = await cluster(t);
  const first = await save(node, made);
  await write("second");
  const second = await save(node, made);
  await write("third");
  const statuses = (await Promise.all([restore(node, made, whole(first)), restore(node, made, whole(second))])).map(({ status }) => status);
  assert.ok(statuses.includes(204) && statuses.every((status) => status === 204 || status === 503), String(statuses));
  assert.ok(["first", "second"].includes(await read()));
  assert.equal((await restore(node, made, whole(first))).status, 204);
  assert.equal(await read(), "first");
});

test("a snapshot of another cluster needs force, and then that cluster's keys", async (t) => {
  const ours = await cluster(t);
  const theirs = await cluster(t, "m1");
  await theirs.write("theirs");
  const foreign = await save(theirs.node, theirs.made);
  const refused = await restore(ours.node, ours.made, whole(foreign));
  assert.equal(refused.status, 400);
  assert.match(refused.body.errors[0], /could not verify hash file/);
  assert.equal((await restore(ours.node, ours.made, whole(foreign), "snapshot-force")).status, 204);
  assert.equal((await ours.node.ask("read", "sys/seal-status")).body.sealed, true);
  assert.equal((await unseal(ours.node, ours.made.keys)).status, 400);
  assert.equal((await unseal(ours.node, theirs.made.keys)).body.sealed, false);
  assert.equal((await ours.node.ask("read", "kv/a", undefined, { token: theirs.made.rootToken })).body.data.value, "theirs");
});

test("a client that goes away leaves no snapshot open", async (t) => {
  const { node, made } = await cluster(t);
  const { body } = await raw(node, made, "read", "snapshot");
  (body as Readable).destroy();
  // Had one been left open, closing the state's database would wait for it.
  await node.stop();
  await node.start();
  assert.equal((await node.ask("read", "sys/seal-status")).body.initialized, true);
});
