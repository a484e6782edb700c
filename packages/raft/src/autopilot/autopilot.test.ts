import assert from "node:assert/strict";
import test from "node:test";
import type { MembershipResult, RaftStatus } from "../host/api.js";
import { createAutopilot } from "./autopilot.js";
import { AUTOPILOT_DEFAULTS } from "./settings.js";
import type { AutopilotSettings } from "./settings.js";

const SECOND = 1000;
const HOUR = 3600 * SECOND;

interface Seen {
  readonly silentMs?: number;
  readonly match?: number;
  readonly lastTerm?: number;
  readonly voter?: boolean;
}

/** A cluster that autopilot watches from its leader `a`; the test owns the time and what the others look like. */
function watch(settings: Partial<AutopilotSettings> = {}) {
  const world = { now: 0, term: 3, role: "leader" as RaftStatus["role"], servers: {} as Record<string, Seen>, forVote: new Set<string>(), done: [] as string[], promotion: async (): Promise<MembershipResult> => ({ ok: true, index: 1 }) };
  const server = (id: string, { silentMs = 10, match = 5000, lastTerm = world.term, voter = true }: Seen) => ({ id, address: `${id}:1`, voter, leader: id === "a", matchIndex: match, lastTerm, lastContactMs: id === "a" ? 0 : silentMs });
  const autopilot = createAutopilot({
    now: () => world.now,
    settings: () => ({ ...AUTOPILOT_DEFAULTS, ...settings }),
    status: async () => ({ id: "a", role: world.role, term: world.term, lastIndex: 5000, servers: [server("a", {}), ...Object.entries(world.servers).map(([id, seen]) => server(id, seen))] }) as unknown as RaftStatus,
    isForVote: (id) => world.forVote.has(id),
    promote({ id }) {
      world.done.push(`promote ${id}`);
      return world.promotion();
    },
    async remove(id) {
      world.done.push(`remove ${id}`);
      delete world.servers[id];
    },
    logger: { log: () => undefined },
  });
  return {
    world, autopilot,
    async steps(count = 1) {
      for (let i = 0; i < count; i++) await autopilot.step();
      return world.done.splice(0);
    },
    async unhealthy() {
      const state = await autopilot.state();
      return { ids: state?.servers.filter(({ healthy }) => !healthy).map(({ id }) => id), tolerance: state?.failureTolerance, healthy: state?.healthy };
    },
  };
}

test("a server is well when it was heard of lately, in this term, close behind the log", async () => {
  const { world, unhealthy } = watch();
  world.servers = { b: {}, c: {} };
  assert.deepEqual(await unhealthy(), { ids: [], tolerance: 1, healthy: true });
  for (const seen of [{ silentMs: 10_001 }, { match: 3999 }, { lastTerm: 2 }, { match: 0, lastTerm: 0 }]) {
    world.servers = { b: {}, c: seen };
    assert.deepEqual(await unhealthy(), { ids: ["c"], tolerance: 0, healthy: false }, JSON.stringify(seen));
  }
  world.servers = { b: {}, c: { silentMs: 10_000, match: 4000 } };
  assert.equal((await unhealthy()).healthy, true);
  world.role = "follower";
  assert.deepEqual(await unhealthy(), { ids: undefined, tolerance: undefined, healthy: undefined });
});

test("health begins when it changes, and anew with another leadership or for a server that came back", async () => {
  const { world, autopilot } = watch();
  const since = async () => (await autopilot.state())?.servers.find(({ id }) => id === "b")?.stableSince;
  world.servers = { b: {} };
  assert.equal(await since(), 0);
  world.now = 5;
  assert.equal(await since(), 0);
  world.servers = { b: { silentMs: 20_000 } };
  assert.equal(await since(), 5);
  world.now = 6;
  world.servers = { b: {} };
  assert.equal(await since(), 6);
  world.servers = {};
  await since();
  world.now = 7;
  world.servers = { b: {} };
  assert.equal(await since(), 7);
  world.now = 9;
  world.term = 4;
  assert.equal(await since(), 9);
});

test("a server votes after it was well for the whole stabilisation time; what falls ill begins anew", async () => {
  const { world, steps } = watch();
  world.servers = { b: {}, c: {} };
  await steps();
  world.now = 60 * SECOND;
  world.servers["d"] = { voter: false };
  world.forVote.add("d");
  assert.deepEqual(await steps(), []);
  world.now += 9 * SECOND;
  assert.deepEqual(await steps(), []);
  world.servers["d"] = { voter: false, match: 10 };
  await steps();
  world.servers["d"] = { voter: false };
  world.now += SECOND;
  assert.deepEqual(await steps(), []);
  world.now += 10 * SECOND;
  assert.deepEqual(await steps(), ["promote d"]);
});

test("a leader that is itself new takes the servers that are well; a non-voter by choice stays one", async () => {
  const { world, steps } = watch();
  world.servers = { b: { voter: false }, c: { voter: false, match: 0, lastTerm: 0 }, d: { voter: false } };
  world.forVote = new Set(["b", "c"]);
  assert.deepEqual(await steps(), ["promote b"]);
});

test("a promotion under way is not begun again, and holds up nobody else", async () => {
  const { world, autopilot } = watch();
  world.servers = { b: { voter: false } };
  world.forVote = new Set(["b", "c"]);
  let finish: () => void = () => undefined;
  world.promotion = () => new Promise((resolve) => (finish = () => resolve({ ok: true, index: 1 })));
  const first = autopilot.step();
  await new Promise((wake) => setImmediate(wake));
  world.servers["c"] = { voter: false };
  const second = autopilot.step();
  await new Promise((wake) => setImmediate(wake));
  const finishC = finish;
  assert.deepEqual(world.done, ["promote b", "promote c"]);
  finishC();
  await second;
  void first;
});

const CLEANUP = { cleanupDeadServers: true, minQuorum: 3, deadServerLastContactThresholdMs: HOUR };
const DEAD = { silentMs: HOUR + 1 };

test("nobody is removed unless that is wanted, nor before the threshold", async () => {
  const off = watch({ ...CLEANUP, cleanupDeadServers: false });
  off.world.servers = { b: {}, c: {}, d: {}, e: DEAD };
  assert.deepEqual(await off.steps(3), []);
  const on = watch(CLEANUP);
  on.world.servers = { b: {}, c: {}, d: {}, e: { silentMs: HOUR } };
  assert.deepEqual(await on.steps(3), []);
  on.world.servers["e"] = DEAD;
  assert.deepEqual(await on.steps(3), ["remove e"]);
});

test("the voters that min_quorum asks for stay, dead or not; those without a vote go first", async () => {
  const { world, steps } = watch(CLEANUP);
  world.servers = { b: {}, c: DEAD };
  assert.deepEqual(await steps(3), []);
  world.servers = { b: {}, c: {}, d: DEAD, e: DEAD, x: { ...DEAD, voter: false } };
  assert.deepEqual(await steps(), ["remove x"]);
  assert.deepEqual(await steps(5), ["remove d", "remove e"]);
  assert.deepEqual(Object.keys(world.servers), ["b", "c"]);
});

test("no voter goes while those that are well are no quorum", async () => {
  const { world, steps } = watch({ ...CLEANUP, minQuorum: 1 });
  // Six of which three are well: the quorum is four.
  world.servers = { b: {}, c: {}, d: { silentMs: 20_000 }, e: DEAD, f: DEAD };
  assert.deepEqual(await steps(3), []);
  world.servers["d"] = {};
  assert.deepEqual(await steps(3), ["remove e", "remove f"]);
});

test("a standby neither removes nor promotes", async () => {
  const { world, steps } = watch(CLEANUP);
  world.role = "follower";
  world.servers = { b: {}, c: {}, d: DEAD, e: { voter: false } };
  world.forVote.add("e");
  assert.deepEqual(await steps(3), []);
});
