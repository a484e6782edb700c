import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import test from "node:test";
import { createMemoryLog } from "@coffer/state-machine";
import type { ApiRequest, ApiResponse, BarrierOutcome, ProposeOutcome, ReplicatedLog, SystemServices } from "@coffer/state-machine";
import type { Asked } from "../forwarding/client.js";
import { sealSet } from "../seals/seal-set.js";
import { createSealLifecycle } from "../lifecycle/seal-control.js";
import { createLogging } from "../logging/logger.js";
import { createSecretsService } from "../server/state-machine.js";
import { createReadPoints } from "./read-points.js";
import { createRequestGateway } from "./request-gateway.js";
import { createStateHeader } from "./state-header.js";

type Forward = (request: ApiRequest, isRepeatable: boolean) => Promise<Asked> | Asked;

/** A whole service behind a gateway; whether it leads, what its log says, and the other nodes are the test's. It waits for a leader as long as a test runs, unless told. */
async function setUp({ leaderPatienceMs = 300_000 } = {}) {
  const { log: memory, reader } = await createMemoryLog();
  const world = {
    isActive: true,
    isHeldBack: false,
    barriers: 0,
    leadership: {} as Partial<ReturnType<ReplicatedLog["leadership"]>>,
    barrier: (): Promise<BarrierOutcome> => memory.readBarrier(),
    propose: (entry: Uint8Array, term: number): Promise<ProposeOutcome> => memory.propose(entry, term),
    forwarded: [] as { readonly request: ApiRequest; readonly isRepeatable: boolean }[],
    forward: (() => ({ kind: "unsent" })) as Forward,
    activeAddress: "https://active:8200",
  };
  const log: ReplicatedLog = {
    ...memory,
    propose: (entry, term) => world.propose(entry, term),
    leadership: () => ({ ...memory.leadership(), ...world.leadership }),
    readBarrier() {
      world.barriers += 1;
      return world.barrier();
    },
  };
  const logging = createLogging({ level: "error", format: "standard", file: undefined });
  const service = createSecretsService({ log, reader, limits: { defaultLeaseTtl: 3600, maxLeaseTtl: 3600 }, cacheEntries: 1000, logging, systemServices: () => ({ seal, rooms: service.rooms, node: { version: "1", buildDate: "", clusterName: () => "", clusterId: () => "" } }) as unknown as SystemServices });
  const { core, store, barrier, env } = service;
  const seal = createSealLifecycle({
    nodeId: "n1", storageType: "inmem", clusterName: undefined, isMember: false, log, store, barrier, env, seals: sealSet([]), logger: logging.logger("core"),
    found: (write) => write(), enter: async () => undefined, onUnsealed: () => undefined, beforeSeal: async () => undefined, onSealed: () => undefined,
  });
  const { keys, rootToken } = await seal.init({ secretShares: 1, secretThreshold: 1 });
  await seal.unseal(keys[0]!);
  const stateHeader = createStateHeader(() => "cluster", () => barrier.derive("forwarding"));
  const gateway = createRequestGateway({
    core, log, stateHeader,
    readPoints: createReadPoints(log),
    isSealed: () => barrier.sealed(),
    isActive: () => world.isActive,
    isHeldBack: () => world.isHeldBack,
    async forward(request, isRepeatable) {
      world.forwarded.push({ request, isRepeatable });
      return world.forward(request, isRepeatable);
    },
    activeApiAddress: () => world.activeAddress,
    nodeId: "n1",
    forwardOnDemand: true,
    leaderPatienceMs,
  });
  const requestOf = (operation: ApiRequest["operation"], path: string, body?: unknown, more: Partial<ApiRequest> = {}): ApiRequest => ({
    id: randomUUID(), operation, path, query: {}, body: Buffer.from(body === undefined ? "" : JSON.stringify(body)), contentType: "application/json",
    token: rootToken, headers: {}, remoteAddress: "192.0.2.7", remotePort: 4711, ...more,
  });
  const ask = async (...request: Parameters<typeof requestOf>) => answerOf(await gateway.handle(requestOf(...request)));
  assert.equal((await ask("update", "sys/mounts/kv", { type: "kv" })).status, 204);
  assert.equal((await ask("update", "kv/a", { v: "1" })).status, 204);
  world.barriers = 0;
  return { world, gateway, ask, requestOf, stateHeader, memory, seal };
}

function answerOf({ status, headers, body }: ApiResponse) {
  const text = body === null ? "" : Buffer.from(body as Uint8Array).toString();
  return { status, headers, text, json: text.startsWith("{") ? JSON.parse(text) : undefined };
}

const answer = (status: number): Asked => ({ kind: "response", response: { status, headers: {}, contentType: "", body: null, index: 9 } });

test("reads that come in one turn share a read point; one that comes later gets a later one", async () => {
  const { world, ask } = await setUp();
  const asked: (() => void)[] = [];
  const real = world.barrier;
  world.barrier = () => new Promise((resolve) => asked.push(() => void real().then(resolve)));
  const first = [ask("read", "kv/a"), ask("read", "kv/a"), ask("list", "kv/")];
  await new Promise(setImmediate);
  assert.equal(asked.length, 1);
  const late = ask("read", "kv/a");
  await new Promise(setImmediate);
  assert.equal(asked.length, 2, "the point that is being fixed is not for a read that came after the question");
  asked[0]!();
  assert.deepEqual((await Promise.all(first)).map(({ status }) => status), [200, 200, 200]);
  asked[1]!();
  assert.equal((await late).json.data.v, "1");
});

test("a standby answers reads itself, and those of a sealed node's paths without asking anybody", async () => {
  const { world, ask } = await setUp();
  world.isActive = false;
  assert.equal((await ask("read", "kv/a")).json.data.v, "1");
  assert.equal(world.barriers, 1);
  world.barrier = async () => ({ outcome: "no-leader" });
  assert.equal((await ask("read", "sys/seal-status")).status, 200);
  assert.equal((await ask("read", "kv/a")).status, 503);
  assert.deepEqual(world.forwarded, []);
});

test("a leader that is held back serves no reads either", async () => {
  const { world, ask } = await setUp({ leaderPatienceMs: 100 });
  world.isActive = false;
  world.isHeldBack = true;
  assert.equal((await ask("read", "kv/a")).status, 503);
  assert.equal((await ask("read", "sys/seal-status")).status, 200);
});

test("a standby forwards a write with its client's address and token, and says who forwards", async () => {
  const { world, ask } = await setUp();
  world.isActive = false;
  world.forward = () => answer(204);
  assert.equal((await ask("update", "kv/b", { v: "2" }, { token: "the client's" })).status, 204);
  const [{ request, isRepeatable }] = world.forwarded as [(typeof world.forwarded)[0]];
  assert.deepEqual([request.remoteAddress, request.remotePort, request.token, request.forwardedFrom, isRepeatable], ["192.0.2.7", 4711, "the client's", "n1", false]);
});

test("what was not sent is asked again; a lost read too, a lost write never", async () => {
  const { world, ask } = await setUp();
  world.isActive = false;
  const series = (...answers: Asked[]) => (world.forward = () => answers.shift() ?? answer(500));
  series({ kind: "unsent" }, { kind: "not-active" }, answer(204));
  assert.equal((await ask("update", "kv/b", {})).status, 204);
  series({ kind: "lost" }, { kind: "lost" }, answer(200));
  assert.equal((await ask("read", "kv/a", undefined, { headers: { "x-vault-forward": "active-node" } })).status, 200);
  world.forwarded.length = 0;
  series({ kind: "lost" }, answer(204));
  const lost = await ask("update", "kv/b", {});
  assert.deepEqual([lost.status, world.forwarded.length], [503, 1]);
  assert.match(lost.json.errors[0], /may or may not have taken effect/);
  series({ kind: "too-large" });
  assert.equal((await ask("update", "kv/b", {})).status, 413);
});

test("with nobody to lead, a write is told so after a while", async () => {
  const { world, ask } = await setUp({ leaderPatienceMs: 500 });
  world.isActive = false;
  const { status, json } = await ask("update", "kv/b", {});
  assert.equal(status, 503);
  assert.match(json.errors[0], /no active Vault instance found/);
  assert.ok(world.forwarded.length > 1);
});

test("a write whose node loses leadership before it is in the log goes to the next leader", async () => {
  const { world, ask } = await setUp();
  world.propose = async () => {
    world.isActive = false;
    return { outcome: "not-leader" };
  };
  world.forward = () => answer(204);
  assert.equal((await ask("update", "kv/b", { v: "2" })).status, 204);
  assert.equal(world.forwarded.length, 1);
  world.isActive = true;
  world.propose = async () => ({ outcome: "unknown" });
  const { status, json } = await ask("update", "kv/b", { v: "3" });
  assert.equal(status, 503);
  assert.match(json.errors[0], /may or may not/);
  assert.equal(world.forwarded.length, 1, "it may be in the log: nobody is asked to do it again");
});

test("what a node keeps because it came to lead meanwhile is still read behind a read point", async () => {
  const { world, ask } = await setUp();
  world.isActive = false;
  world.forward = () => {
    world.isActive = true;
    return { kind: "lost" };
  };
  assert.equal((await ask("read", "kv/a", undefined, { headers: { "x-vault-forward": "active-node" } })).json.data.v, "1");
  assert.equal(world.barriers, 1);
});

test("a forwarded request is answered by the active node or not at all, and goes no further", async () => {
  const { world, gateway, requestOf, memory } = await setUp();
  const write = () => gateway.handleForwarded(requestOf("update", "kv/b", { v: "2" }, { forwardedFrom: "n2" }));
  world.isActive = false;
  const before = memory.appliedIndex();
  assert.equal(await write(), undefined);
  world.isActive = true;
  world.propose = async () => ({ outcome: "not-leader" });
  assert.equal(await write(), undefined);
  world.barrier = async () => ({ outcome: "no-leader" });
  assert.equal(await gateway.handleForwarded(requestOf("read", "kv/a")), undefined);
  assert.deepEqual([memory.appliedIndex(), world.forwarded], [before, []]);
  world.propose = (entry, term) => memory.propose(entry, term);
  assert.equal((await write())?.status, 204);
});

test("X-Vault-Index is waited for, then refused with 412 or forwarded", async () => {
  const { world, ask, stateHeader, memory } = await setUp();
  const at = (index: number, more: Record<string, string> = {}) => ask("read", "kv/a", undefined, { headers: { "x-vault-index": stateHeader.format(index), ...more } });
  assert.equal((await at(memory.appliedIndex())).status, 200);
  const waiting = at(memory.appliedIndex() + 1);
  assert.equal((await ask("update", "kv/b", { v: "2" })).status, 204);
  assert.equal((await waiting).status, 200);
  assert.equal((await at(memory.appliedIndex() + 1)).status, 412);
  world.isActive = false;
  world.forward = () => answer(200);
  assert.equal((await at(memory.appliedIndex() + 1, { "x-vault-inconsistent": "forward-active-node" })).status, 200);
  assert.deepEqual(world.forwarded.map(({ isRepeatable }) => isRepeatable), [true]);
  for (const garbage of ["", "AAAA", "%%%", Buffer.from("v1:other:99999:0:x").toString("base64"), Buffer.from("v1:cluster:-1:0").toString("base64")]) assert.equal((await ask("read", "kv/a", undefined, { headers: { "x-vault-index": garbage } })).status, 200);
});

test("where forwarding is declined, the client is sent to the same path and query", async () => {
  const { world, ask, gateway, requestOf } = await setUp();
  world.isActive = false;
  const declined = { "x-vault-no-request-forwarding": "1" };
  const query = Object.fromEntries([["list", "true"], ["a", ["1", "", "ü&"]], ["__proto__", "x"]]);
  const { status, headers } = await ask("update", "kv/a b/ü?#%/", undefined, { headers: declined, query });
  assert.equal(status, 307);
  assert.equal(headers["Location"], "https://active:8200/v1/kv/a%20b/%C3%BC%3F%23%25/?list=true&a=1&a=&a=%C3%BC%26&__proto__=x");
  world.activeAddress = "";
  assert.equal((await ask("update", "kv/a", {}, { headers: declined })).status, 503);
  world.activeAddress = "https://active:8200/";
  const streamed = await gateway.handle(requestOf("update", "kv/a", undefined, { headers: declined, stream: Readable.from(["x"]) }));
  assert.deepEqual([streamed.status, streamed.headers["Location"]], [307, "https://active:8200/v1/kv/a"]);
  assert.deepEqual(world.forwarded, []);
});

test("an upload is forwarded while nothing of it was read, and not asked about again afterwards", async () => {
  const { world, gateway, requestOf } = await setUp();
  world.isActive = false;
  const outcomes: Asked[] = [{ kind: "unsent" }, { kind: "not-active" }];
  world.forward = (request) => {
    const next = outcomes.shift();
    if (next) return next;
    request.stream!.read();
    return { kind: "not-active" };
  };
  const answer = await gateway.handle(requestOf("update", "kv/a", undefined, { stream: Readable.from(["x"]) }));
  assert.equal(answer.status, 503);
  assert.match(String(answer.body), /took this upload/);
  assert.equal(world.forwarded.length, 3);
});

test("sealed, it answers 503 and forwards nothing", async () => {
  const { world, ask, seal, gateway, requestOf } = await setUp();
  await seal.seal();
  world.isActive = false;
  for (const operation of ["read", "update"] as const) assert.equal((await ask(operation, "kv/a", {})).status, 503);
  assert.equal(await gateway.handleForwarded(requestOf("read", "kv/a")), undefined);
  assert.deepEqual(world.forwarded, []);
});

test("a write that is refused, or writes nothing, is confirmed by this node's still leading; one that is committed needs no more", async () => {
  const { world, ask } = await setUp();
  assert.equal((await ask("update", "kv/a", { v: "2" })).status, 204);
  assert.equal(world.barriers, 0);
  assert.equal((await ask("update", "kv/a", { v: "1" }, { token: "hvs.nobody" })).status, 403);
  assert.equal(world.barriers, 1);
});

test("what a node that leads no more refuses is decided by the one that does", async () => {
  const { world, ask, gateway, requestOf } = await setUp();
  // It stood still, and hears of the other term as it asks.
  world.barrier = async () => {
    Object.assign(world, { isActive: false, leadership: { isLeader: false, term: 9 } });
    return { outcome: "ready", index: 1 };
  };
  world.forward = () => answer(204);
  assert.equal((await ask("update", "kv/a", { v: "1" }, { token: "hvs.nobody" })).status, 204);
  assert.deepEqual(world.forwarded.map(({ request, isRepeatable }) => [request.path, isRepeatable]), [["kv/a", false]]);

  Object.assign(world, { isActive: true, leadership: {} });
  assert.equal(await gateway.handleForwarded(requestOf("update", "kv/a", { v: "1" }, { token: "hvs.nobody" })), undefined);

  // Led before and after, but not all the time between.
  Object.assign(world, { isActive: true, leadership: {} });
  world.barrier = async () => {
    Object.assign(world, { leadership: { term: 9 } });
    return { outcome: "ready", index: 1 };
  };
  assert.equal(await gateway.handleForwarded(requestOf("update", "kv/a", { v: "1" }, { token: "hvs.nobody" })), undefined);
});

test("what steers the cluster is not done again because this node leads no more", async () => {
  const { world, gateway, requestOf } = await setUp();
  world.barrier = async () => assert.fail("nothing is to be confirmed");
  assert.equal((await gateway.handleForwarded(requestOf("delete", "sys/policies/acl/nothing")))?.status, 204);
});

test("a write whose fate is not known is not done again, though this node leads no more", async () => {
  const { world, ask, gateway, requestOf } = await setUp();
  world.propose = async () => {
    Object.assign(world, { isActive: false, leadership: { isLeader: false, term: 9 } });
    return { outcome: "unknown" };
  };
  world.forward = () => answer(204);
  assert.equal((await ask("update", "kv/a", { v: "2" })).status, 503);
  assert.deepEqual(world.forwarded, []);
  Object.assign(world, { isActive: true, leadership: {} });
  assert.equal((await gateway.handleForwarded(requestOf("update", "kv/a", { v: "2" })))?.status, 503);
});

test("what nobody waits for is given up before it has changed anything, and not after", async () => {
  const { world, ask } = await setUp();
  const gone = { isAbandoned: () => true };
  assert.equal((await ask("read", "kv/a", undefined, gone)).status, 499);
  let proposed = 0;
  const real = world.propose;
  world.propose = (...entry) => ((proposed += 1), real(...entry));
  assert.equal((await ask("update", "kv/a", { v: "2" }, gone)).status, 499);
  assert.deepEqual([proposed, (await ask("read", "kv/a")).json.data.v], [0, "1"]);
  // It goes while the write is on its way: that is done, and answered.
  let isGone = false;
  world.propose = (...entry) => ((isGone = true), real(...entry));
  assert.equal((await ask("update", "kv/a", { v: "3" }, { isAbandoned: () => isGone })).status, 204);
  assert.equal((await ask("read", "kv/a")).json.data.v, "3");

  world.isActive = false;
  let asked = 0;
  world.forward = () => ((asked += 1), { kind: "unsent" });
  // It does not wait for a leader any longer.
  assert.equal((await ask("update", "kv/a", { v: "4" }, { isAbandoned: () => asked > 0 })).status, 499);
  assert.equal(asked, 1);
});
