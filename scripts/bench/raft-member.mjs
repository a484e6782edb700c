// One member of `npm run bench -- raft`, in a process of its own: the shipped host on its own log and port, told by its parent
// what to do. Its state is a count, and a file where one was sent to it.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { createRaftHost } from "../../packages/raft/dist/host/index.js";
import { percentile } from "./yardsticks.mjs";

const { id, directory, listen, tls, bootstrap, tickMs, snapshotMegabytes, options = {} } = JSON.parse(process.env.MEMBER);
const CHUNK = new Uint8Array(1024 * 1024).fill(7);
const applied = { index: 0, term: 0 };
const machine = {
  appliedIndex: () => applied.index,
  appliedTerm: () => applied.term,
  reached: () => applied,
  async apply(group) {
    const last = group[group.length - 1];
    Object.assign(applied, { index: last.index, term: last.term });
    return group.map(() => "applied");
  },
  flush: async () => applied.index,
  async openSnapshot() {
    async function* chunks() {
      for (let i = 0; i < snapshotMegabytes; i++) yield CHUNK;
    }
    return { ...applied, chunks: chunks(), close: async () => undefined };
  },
  async installSnapshot({ index, term }, chunks) {
    const file = await open(join(directory, "state"), "w");
    for await (const chunk of chunks) await file.write(chunk);
    await file.sync();
    await file.close();
    Object.assign(applied, { index, term });
  },
};
// A log of an earlier life: the state of this bench lives in memory, so it is read again from the start, or sent.
const host = await createRaftHost({ id, directory, transport: { listen, advertise: listen, tls, clusterId: "bench" }, ...(bootstrap && { bootstrap: { address: listen } }), ...(tickMs && { tickMs }), ...options }, machine, { log: () => undefined });
host.onFatal((error) => {
  console.error(`${id}: ${error.message}`);
  process.exit(1);
});

async function load({ inFlight, bytes, seconds, total = Infinity }) {
  const data = new Uint8Array(bytes).fill(1);
  const times = [];
  const begin = performance.now();
  const end = begin + seconds * 1000;
  let [begun, done] = [0, 0];
  async function worker() {
    while (performance.now() < end && begun < total) {
      begun += 1;
      const sent = performance.now();
      const { outcome } = await host.propose(data);
      if (outcome !== "applied") throw new Error(`a proposal ended as ${outcome}`);
      done += 1;
      if (times.length < 1_000_000) times.push(performance.now() - sent);
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker));
  times.sort((a, b) => a - b);
  return { rate: done / ((performance.now() - begin) / 1000), p50: percentile(times, 0.5), p99: percentile(times, 0.99), done };
}

const COMMANDS = {
  status: () => host.status(),
  memory: () => process.memoryUsage().rss / 1024 / 1024,
  metrics: () => host.metrics(),
  add: (server) => host.addServer(server),
  load,
  /** Tries until a proposal of this member is applied; true, or false where it does not lead. */
  propose: async () => (await host.propose(new Uint8Array(128))).outcome === "applied",
  async stop() {
    await host.stop();
    setImmediate(() => process.exit(0));
  },
};
process.on("message", async ({ call, name, argument }) => {
  try {
    process.send({ call, value: await COMMANDS[name](argument) });
  } catch (error) {
    process.send({ call, failure: error.message });
  }
});
process.send({ started: true });
