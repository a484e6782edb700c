import assert from "node:assert/strict";
import test from "node:test";
import { freePort } from "@coffer/counterparts";
import { invalid } from "@coffer/state-machine";
import type { JoinRequest } from "@coffer/state-machine";
import { memoryLogger } from "../http/testing/echo-application.js";
import { found, raftStorage, testNode, unseal, until } from "../server/testing/test-node.js";
import { joinRequests, startRetryJoin } from "./retry-join.js";
import type { Stage } from "./seal-control.js";

const target = (leaderApiAddress: string) => ({ leaderApiAddress, caCertificate: undefined, clientCertificate: undefined, clientKey: undefined, tlsServerName: undefined });
const request = (leaderApiAddress: string): JoinRequest => ({ leaderApiAddress, retry: true, nonVoter: false });

/** What a node's stage is, and whom it asked. */
function asking(answer: (request: JoinRequest) => boolean) {
  const world = { stage: "new" as Stage["kind"], asked: [] as string[] };
  const seal = {
    stage: () => world.stage,
    async join(request: JoinRequest) {
      world.asked.push(request.leaderApiAddress);
      if (!answer(request)) throw invalid("not now");
      world.stage = "joining";
      return true;
    },
  };
  return { world, seal };
}

test("the targets are asked in turn until one takes the node in, and each failure is told once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let isReady = false;
  const { world, seal } = asking(({ leaderApiAddress }) => isReady && leaderApiAddress === "b");
  const logger = memoryLogger();
  const retry = startRetryJoin([request("a"), request("b"), request("c")], seal, logger);
  const nextRound = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
    t.mock.timers.tick(1000);
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  await nextRound();
  assert.deepEqual(world.asked, ["a", "b", "c", "a", "b", "c"]);
  assert.equal(logger.lines.length, 3);
  isReady = true;
  await nextRound();
  assert.deepEqual(world.asked.slice(6), ["a", "b"], "after an offer nobody else is asked");
  // The offer came to nothing.
  world.stage = "new";
  await nextRound();
  assert.deepEqual(world.asked.slice(8), ["a", "b"]);
  world.stage = "member";
  await nextRound();
  world.stage = "new";
  await nextRound();
  assert.equal(world.asked.length, 10, "a member never asks again");
  retry.stop();
});

test("stopped, it asks nobody any more", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { world, seal } = asking(() => false);
  const retry = startRetryJoin([request("a"), request("b")], seal, memoryLogger());
  retry.stop();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  t.mock.timers.tick(5000);
  assert.deepEqual(world.asked, ["a"]);
});

test("an operator's join with retry goes on in the background; a malformed one is refused at once, and without retry it is tried once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let isReady = false;
  const { world, seal } = asking(() => isReady);
  const retry = startRetryJoin([], seal, memoryLogger());
  const pass = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
    t.mock.timers.tick(1000);
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  await assert.rejects(retry.ask(request("unix:/x")), /leader_api_addr must be a URL/);
  assert.equal(await retry.ask(request("http://a")), false);
  await pass();
  assert.deepEqual(world.asked, ["http://a", "http://a"]);
  await assert.rejects(retry.ask({ ...request("http://b"), retry: false }), /not now/);
  for (let i = 0; i < 20; i++) await retry.ask(request(`http://more-${i}`));
  world.asked = [];
  await pass();
  assert.equal(world.asked.length, 8);
  isReady = true;
  await pass();
  assert.equal(world.stage, "joining");
  retry.stop();
});

test("the configuration's targets ask for a vote, unless it says otherwise", () => {
  const [asked] = joinRequests({ ...raftStorage("/d", "n1", [{ ...target("http://a"), tlsServerName: "n" }]), retryJoinAsNonVoter: true });
  assert.deepEqual(asked, { leaderApiAddress: "http://a", leaderTlsServerName: "n", retry: true, nonVoter: true });
  assert.equal(joinRequests(raftStorage("/d", "n1", [target("http://a")]))[0]!.nonVoter, false);
});

test("nodes that name each other can be initialised at any moment, and the others come in", async (t) => {
  const silent = `http://127.0.0.1:${await freePort()}`;
  const first = await testNode(t, "n1", { retryJoin: [target(silent)] });
  const second = await testNode(t, "n2", { retryJoin: [target(silent), target(first.address)] });
  const made = await found(first);
  await until("n2 has an offer", async () => (await second.ask("read", "sys/seal-status")).body.initialized);
  assert.equal((await unseal(second, made.keys)).body.sealed, false);
});
