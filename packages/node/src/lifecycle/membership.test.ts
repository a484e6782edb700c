import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { freePort } from "@coffer/counterparts";
import { createReplica } from "../consensus/replica.js";
import { memoryLogger } from "../http/testing/echo-application.js";
import { raftStorage, temporaryFolder } from "../server/testing/test-node.js";
import type { RaftStorage } from "../configuration/types.js";
import { foundIdentity } from "./founding.js";
import type { JoinOffer } from "./joining.js";
import { createMembership } from "./membership.js";
import { readIdentity, writeIdentity } from "./node-identity.js";

type Test = Parameters<typeof temporaryFolder>[0];

async function membershipIn(t: Test, path: string, nodeId = "n1", port?: number) {
  const address = `127.0.0.1:${port ?? (await freePort())}`;
  const replica = createReplica();
  const storage: RaftStorage = raftStorage(path, nodeId);
  const membership = createMembership({ storage, listen: address, advertise: address, replica, onQuestion: async (payload) => payload, onFatal: (message) => assert.fail(message), answerTimeoutMs: undefined, logger: memoryLogger() });
  t.after(() => membership.stop());
  return { membership, replica };
}

const isEmpty = (path: string) => !["node.json", "log", "state"].some((name) => existsSync(join(path, name)));

test("a founder is a member again after it was stopped", async (t) => {
  const path = temporaryFolder(t);
  const { membership, replica } = await membershipIn(t, path);
  assert.equal(await membership.resume(), false);
  assert.equal(await membership.found(async () => replica.log.leadership().isLeader), true);
  const { clusterId } = membership.current()!.identity;
  await assert.rejects(membership.found(async () => 1), /a member of a cluster already/);
  await assert.rejects(membership.enter({} as JoinOffer, new Uint8Array(32)), /a member of a cluster already/);
  await membership.stop();
  assert.deepEqual([membership.current(), replica.log.appliedIndex()], [undefined, 0]);
  const again = await membershipIn(t, path);
  assert.equal(await again.membership.resume(), true);
  assert.deepEqual([again.membership.current()!.identity.clusterId, again.membership.current()!.identity.origin], [clusterId, "founder"]);
});

test("a founding that fails is undone, and may be tried again", async (t) => {
  const path = temporaryFolder(t);
  const { membership } = await membershipIn(t, path);
  await assert.rejects(membership.found(() => Promise.reject(new Error("no"))), /no/);
  assert.ok(isEmpty(path));
  assert.equal(await membership.found(async () => "done"), "done");
});

test("a cluster port in use fails the founding with its address, and leaves nothing in the way of the next", async (t) => {
  const path = temporaryFolder(t);
  const blocker = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => blocker.once("listening", resolve));
  const { port } = blocker.address() as { port: number };
  const { membership } = await membershipIn(t, path, "n1", port);
  await assert.rejects(membership.found(async () => 1), new RegExp(`cannot listen on 127.0.0.1:${port}`));
  assert.ok(isEmpty(path));
  await new Promise((resolve) => blocker.close(resolve));
  assert.equal(await membership.found(async () => 1), 1);
});

test("what a crash while founding leaves is deleted at the next start", async (t) => {
  const identity = await foundIdentity("n1");
  for (const steps of [["node.json"], ["node.json", "log"], ["node.json", "log", "state"]]) {
    const path = temporaryFolder(t);
    writeIdentity(path, identity);
    for (const name of steps.slice(1)) mkdirSync(join(path, name));
    const { membership } = await membershipIn(t, path);
    assert.equal(await membership.resume(), false);
    assert.ok(isEmpty(path));
  }
});

test("what a crash while deleting leaves does not get in the way of founding", async (t) => {
  const path = temporaryFolder(t);
  for (const name of ["log", "state"]) {
    mkdirSync(join(path, name));
    writeFileSync(join(path, name, "CURRENT"), "nonsense\n");
  }
  const { membership } = await membershipIn(t, path);
  assert.equal(await membership.resume(), false);
  assert.equal(await membership.found(async () => 1), 1);
});

test("a crash between the answer and the first start leaves a member, whose state comes from the leader", async (t) => {
  const path = temporaryFolder(t);
  writeIdentity(path, { ...(await foundIdentity("n1")), origin: "joining" });
  const { membership, replica } = await membershipIn(t, path);
  assert.equal(await membership.resume(), true);
  assert.deepEqual([replica.log.appliedIndex(), replica.log.leadership().isLeader, readIdentity(path)!.origin], [0, false, "joiner"]);
});

test("a member whose log is gone does not take part again: it may have voted", async (t) => {
  for (const origin of ["founder", "joining"] as const) {
    const path = temporaryFolder(t);
    const { membership } = await membershipIn(t, path);
    if (origin === "founder") await membership.found(async () => 1);
    else {
      writeIdentity(path, { ...(await foundIdentity("n1")), origin });
      await membership.resume();
    }
    await membership.stop();
    rmSync(join(path, "log"), { recursive: true });
    await assert.rejects((await membershipIn(t, path)).membership.resume(), /the log is missing .* operator raft remove-peer n1/);
    assert.ok(!existsSync(join(path, "log")), "nothing was begun in its place");
  }
});

test("the data of another node is refused, damaged identities without a word of what is in them", async (t) => {
  const path = temporaryFolder(t);
  writeIdentity(path, { ...(await foundIdentity("n9")), origin: "founder" });
  await assert.rejects((await membershipIn(t, path)).membership.resume(), /is that of node "n9", the configuration says node_id = "n1"/);
  const identity = await foundIdentity("n1");
  const whole = JSON.stringify(identity);
  for (const text of [whole.slice(0, -20), "", "null", "[]", JSON.stringify({ ...identity, origin: "x" }), JSON.stringify({ ...identity, tls: { ...identity.tls, caKey: undefined } })]) {
    writeFileSync(join(path, "node.json"), text);
    assert.throws(() => readIdentity(path), ({ message }: Error) => /node.json is damaged/.test(message) && !message.includes("KEY") && !message.includes("{"));
  }
});

test("an identity is whole or not there, and only its owner can read it", async (t) => {
  const path = temporaryFolder(t);
  writeFileSync(join(path, "node.json.new"), "half of an ide", { mode: 0o644 });
  const identity = await foundIdentity("n1");
  writeIdentity(path, identity);
  assert.deepEqual(readIdentity(path), identity);
  assert.equal(statSync(join(path, "node.json")).mode & 0o777, 0o600);
});
