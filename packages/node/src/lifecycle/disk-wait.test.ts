import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open } from "node:fs/promises";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { found, temporaryFolder, testNode, until } from "../server/testing/test-node.js";
import { createDiskWait } from "./disk-wait.js";

/** Bytes beyond which no file of this process may grow: every write of a log fails, as on a full disk. */
function limitFiles(bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
}

const hasPrlimit = (() => {
  try {
    execFileSync("prlimit", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test("a folder is waited for until it can be written and has room, or until that is of no interest", async (t) => {
  const folder = temporaryFolder(t);
  assert.equal(await createDiskWait(folder, 1).untilWritable(), true);
  const noRoom = createDiskWait(folder, 1, Number.MAX_SAFE_INTEGER);
  const waited = noRoom.untilWritable();
  setTimeout(() => noRoom.stop(), 20);
  assert.equal(await waited, false);
  assert.equal(await noRoom.untilWritable(), false);
});

test("a node whose disk is full neither ends nor seals itself: it says so, and goes on by itself when there is room", { skip: !hasPrlimit && "needs prlimit" }, async (t) => {
  const fatal: string[] = [];
  const node = await testNode(t, "n1", { onFatal: (message) => void fatal.push(message) });
  t.after(() => limitFiles("unlimited"));
  const { rootToken: token } = await found(node);
  const write = (path: string) => node.ask("update", path, { value: "x".repeat(2000) }, { token });
  assert.equal((await node.ask("update", "sys/mounts/kv", { type: "kv" }, { token })).status, 204);
  assert.equal((await write("kv/before")).status, 204);
  limitFiles(4096);
  const refused = await until("a write is refused", async () => {
    const { status, body } = await write("kv/during");
    return status === 204 ? undefined : { status, errors: (body as { errors: string[] }).errors };
  });
  assert.ok(refused.status === 500 || refused.status === 503, JSON.stringify(refused));
  assert.equal((await write("kv/during")).status, 503);
  const health = await until("its health says so", async () => {
    const { status, body } = await node.ask("read", "sys/health", { standbyok: "true" });
    return status === 503 ? body : undefined;
  });
  assert.deepEqual([health.sealed, health.errors], [false, ["this node's disk cannot be written: it takes no part in the cluster until that can be done again"]]);
  assert.equal((await node.ask("read", "sys/seal-status")).body.sealed, false);
  limitFiles("unlimited");
  await until("it serves again", async () => (await write("kv/after")).status === 204);
  assert.equal((await node.ask("read", "kv/before", undefined, { token })).status, 200);
  assert.equal((await node.ask("read", "kv/after", undefined, { token })).status, 200);
  assert.equal((await node.ask("read", "sys/health")).status, 200);
  assert.deepEqual(fatal, []);
});

/**
 * Nothing that this process asks of a disk in the background comes back until the function that it gives is called, and nothing
 * fails: opening a pipe that nobody writes to occupies one of the threads that do such work.
 */
function hangDisk(folder: string): () => Promise<void> {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const opening = Array.from({ length: Number(process.env["UV_THREADPOOL_SIZE"] ?? 4) }, () => open(pipe, "r"));
  return async () => {
    const writer = openSync(pipe, constants.O_RDWR);
    for (const reader of await Promise.all(opening)) await reader.close();
    closeSync(writer);
  };
}

test("a node whose disk hangs says so while it does, and goes on when it answers", async (t) => {
  const fatal: string[] = [];
  const node = await testNode(t, "n1", { onFatal: (message) => void fatal.push(message) });
  const { rootToken: token } = await found(node);
  assert.equal((await node.ask("update", "sys/mounts/kv", { type: "kv" }, { token })).status, 204);
  const answerAgain = hangDisk(temporaryFolder(t));
  const writing = node.ask("update", "kv/a", { value: "1" }, { token });
  const health = await until("its health says so", async () => {
    const { status, body } = await node.ask("read", "sys/health");
    return status === 503 ? body : undefined;
  });
  assert.match(health.errors[0], /disk does not answer/);
  await answerAgain();
  assert.equal((await writing).status, 204);
  assert.equal((await node.ask("read", "sys/health")).status, 200);
  assert.equal((await node.ask("read", "kv/a", undefined, { token })).body.data.value, "1");
  assert.deepEqual(fatal, []);
});
