// `node scripts/bench/leases.mjs`: what many leases cost a node at its start, and how fast those that are due together go while
// requests go on. One member, its state on disk as on a node; no network and no log's fsync, which `npm run bench` measures.
import { spawnSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileEngine, createActivityRecorder, createAuditBroker, createBarrier, createCore, createExpirationWorker, createRooms, createStore, data, definePath, field, NO_CONTENT, documentCodec, openStateDatabase, openStateReader, registerLease, systemEngine, writeGenesis, findToken, tokenId } from "../../packages/state-machine/dist/index.js";
import { lostWrites } from "../../packages/raft/dist/index.js";
import { parseFlags } from "../cluster-lib.mjs";

const usage = `usage: node scripts/bench/leases.mjs [--leases N] [--due N]
  --leases N    leases in the store (default 1000000)
  --due N       of them due in the same second (default 10000)`;
const flags = parseFlags(process.argv.slice(2), { leases: "value", due: "value", part: "value", folder: "value" }, usage);
const leases = Number(flags.leases ?? 1_000_000);
const due = Number(flags.due ?? 10_000);
const SLICE = 1000;
/** Longer together than the leases that are due last. */
const WARM_UP_MS = 2000;
const QUIET_MS = 4000;
const MIB = 2 ** 20;
const LIMITS = { defaultLeaseTtl: 2_764_800, maxLeaseTtl: 2_764_800 };

const document = documentCodec();
const revoked = { count: 0 };
const ENGINE = compileEngine({
  type: "bench", table: "secret", help: "Leases and notes.",
  paths: [
    definePath({
      template: "notes/{name}", help: { synopsis: "Notes.", description: "" }, freeForm: true, fields: { name: field.string({ description: "Name.", required: true }) },
      operations: {
        read: { effect: "read", summary: "Read.", handler: ({ input }, storage) => data(storage.get(input.name, document)) },
        update: { effect: "write", summary: "Write.", handler: ({ input, body }, storage) => (storage.put(input.name, document, body), NO_CONTENT) },
      },
    }),
  ],
  // As long as a fast database takes to drop a user.
  secrets: [{ name: "user", revoke: () => new Promise((resolve) => setTimeout(() => resolve(void revoked.count++), 5)) }],
});
const SYSTEM = compileEngine(systemEngine);

/** The service on a state on disk; entries are applied in groups as they come. */
async function openService(folder) {
  const opened = performance.now();
  const database = await openStateDatabase(folder, lostWrites);
  const reader = await openStateReader(database.location());
  const listeners = new Set();
  let waiting = [];
  let applying = false;
  async function drain() {
    applying = true;
    while (waiting.length > 0) {
      const proposals = waiting;
      waiting = [];
      const first = database.appliedIndex() + 1;
      const outcomes = await database.apply(proposals.map(({ entry }, i) => ({ index: first + i, term: 1, kind: "normal", data: entry })));
      for (const listener of listeners) listener({ index: first + proposals.length - 1, keys: outcomes.flatMap(({ keys }) => keys) });
      proposals.forEach(({ resolve }, i) => resolve({ outcome: outcomes[i].result, index: first + i }));
    }
    applying = false;
  }
  const log = {
    propose: (entry) => new Promise((resolve) => (waiting.push({ entry, resolve }), applying || void drain())),
    waitApplied: async () => true,
    appliedIndex: () => database.appliedIndex(),
    onApplied: (listener) => listeners.add(listener),
    leadership: () => ({ isLeader: true, leaderId: "bench", term: 1 }),
    onLeadership: () => undefined,
  };
  const env = { now: () => Date.now(), randomBytes: (length) => new Uint8Array(randomBytes(length)), uuid: randomUUID };
  const barrier = createBarrier();
  // A key that is no secret, so that each part of the measurement can open what the others wrote.
  barrier.unlock({ rootKey: Buffer.alloc(32, 1), keyring: [{ term: 1, key: Buffer.alloc(32, 2), installedAt: 0, encryptions: 0 }] });
  const store = createStore({ reader, log, barrier });
  const engineFor = (entry) => (entry.type === "system" ? SYSTEM : entry.type === "bench" ? ENGINE : undefined);
  const audit = createAuditBroker(() => undefined);
  const problem = (what, error) => console.error(what, error);
  const activity = createActivityRecorder({ store, env });
  const rooms = createRooms({ store, activity, env, limits: LIMITS, audit, engineFor, mountableTypes: { secret: ["bench"], auth: [] }, version: "0.0.0" });
  const core = createCore({ store, log, activity, isSealed: () => false, engineFor, system: SYSTEM, servicesFor: () => ({ rooms, node: { version: "0.0.0" } }), env, limits: LIMITS, audit, onInternalError: problem });
  const worker = createExpirationWorker({ store, env, engineFor, mountOf: core.mountOf, requests: core.requests, onError: problem });
  const request = async (token, operation, path, body) => {
    const { response } = await core.handle({ id: randomUUID(), operation, path, query: {}, body: Buffer.from(body ? JSON.stringify(body) : ""), contentType: "application/json", token, headers: {}, remoteAddress: "127.0.0.1", remotePort: 0 }, { active: true });
    if (response.status >= 400) throw new Error(`${path}: ${response.status} ${String(response.body)}`);
    return response;
  };
  const close = async () => {
    await reader.close();
    await database.close();
  };
  return { store, worker, env, request, close, opened };
}

async function fill(folder, count) {
  const { store, request, env, close } = await openService(folder);
  const { value } = await store.transact((tx) => writeGenesis(tx.scoped("core/"), env));
  await request(value.rootToken, "update", "sys/mounts/bench", { type: "bench" });
  const mounted = JSON.parse((await request(value.rootToken, "read", "sys/mounts/bench")).body);
  for (let made = 0; made < count; made += SLICE) {
    await store.transact((tx) => {
      const core = tx.scoped("core/");
      const token = findToken(core, tokenId(core, value.rootToken), env);
      // Some days from now, each at a time of its own.
      for (let i = made; i < Math.min(count, made + SLICE); i++) registerLease(core, `bench/creds/role-${i % 100}`, mounted.data.uuid, token, { kind: "user", ttlSeconds: 86_400 + (i % 1_000_000), renewable: true, internalData: { username: `v-app-${i}` } }, LIMITS, env);
    });
  }
  await close();
}

async function start(folder) {
  const { worker, close, opened } = await openService(folder);
  await worker.step();
  const milliseconds = performance.now() - opened;
  globalThis.gc();
  const { rss, heapUsed } = process.memoryUsage();
  await close();
  return { milliseconds, rss: rss / MIB, heap: heapUsed / MIB };
}

/** Requests one after another until `isOver`; milliseconds each. */
async function requestsUntil(isOver, ask) {
  const taken = [];
  while (!isOver()) {
    const begun = performance.now();
    await ask(taken.length);
    taken.push(performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const sorted = taken.sort((a, b) => a - b);
  const at = (fraction) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}

async function dueTogether(folder) {
  const { store, worker, request, env, close } = await openService(folder);
  const { value } = await store.transact((tx) => writeGenesis(tx.scoped("core/"), env));
  await request(value.rootToken, "update", "sys/mounts/late", { type: "bench" });
  const mounted = JSON.parse((await request(value.rootToken, "read", "sys/mounts/late")).body);
  await request(value.rootToken, "update", "late/notes/a", { v: 1 });
  for (let made = 0; made < due; made += SLICE) {
    await store.transact((tx) => {
      const core = tx.scoped("core/");
      const token = findToken(core, tokenId(core, value.rootToken), env);
      for (let i = 0; i < Math.min(SLICE, due - made); i++) registerLease(core, "late/creds/app", mounted.data.uuid, token, { kind: "user", ttlSeconds: 1, renewable: true, internalData: {} }, LIMITS, env);
    });
  }
  let isOver = false;
  const requests = () => Promise.all([
    requestsUntil(() => isOver, () => request(value.rootToken, "read", "late/notes/a")),
    requestsUntil(() => isOver, (i) => request(value.rootToken, "update", "late/notes/b", { v: i })),
  ]);
  // With nothing due, until the code has been compiled, and then to compare with.
  const quiet = [];
  for (const milliseconds of [WARM_UP_MS, QUIET_MS]) {
    setTimeout(() => (isOver = true), milliseconds);
    quiet.push(await requests());
    isOver = false;
  }
  const [quietReads, quietWrites] = quiet.at(-1);
  const others = requests();
  const begun = performance.now();
  // As the node's duties do: a breath between slices for the requests.
  while (await worker.step()) await new Promise((resolve) => setTimeout(resolve, 5));
  const seconds = (performance.now() - begun) / 1000;
  isOver = true;
  const [reads, writes] = await others;
  await close();
  return { revoked: revoked.count, seconds, before: { reads: quietReads, writes: quietWrites }, meanwhile: { reads, writes } };
}

const PARTS = { fill: (folder) => fill(folder, leases), empty: (folder) => fill(folder, 0), start, due: dueTogether };

/** Each in a process of its own, so that memory is its own. */
function measure(part, folder) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", fileURLToPath(import.meta.url), "--part", part, "--folder", folder, "--leases", String(leases), "--due", String(due)], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${part}: ${stderr}`);
  return JSON.parse(stdout);
}

if (flags.part) {
  console.log(JSON.stringify((await PARTS[flags.part](flags.folder)) ?? null));
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), "coffer-leases-"));
const [full, empty] = [join(folder, "full"), join(folder, "empty")];
try {
  measure("empty", empty);
  measure("fill", full);
  const show = (name, { milliseconds, rss, heap }) => console.log(`${name.padEnd(24)} ${milliseconds.toFixed(0).padStart(6)} ms to the first look at what is due, ${rss.toFixed(0)} MiB resident, ${heap.toFixed(1)} MiB of heap`);
  show("start with no lease", measure("start", empty));
  show(`start with ${leases}`, measure("start", full));
  const { revoked: count, seconds, before, meanwhile } = measure("due", full);
  console.log(`${count} leases due at once: revoked in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)} a second, 5 ms each at their source)`);
  for (const [when, kinds] of Object.entries({ before, meanwhile })) {
    for (const [name, { count: asked, p50, p99, most }] of Object.entries(kinds)) console.log(`  ${when} ${asked} ${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(1)} ms, longest ${most.toFixed(1)} ms`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
