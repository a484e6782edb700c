/** The raft thread: consensus, log, transport and the applying of entries. It holds no key and reads no secret. */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parentPort } from "node:worker_threads";
import { isDiskFailure, lostWrites } from "@coffer/raft";
import type { OpenedState, ProposeResult, RaftHost } from "@coffer/raft";
import { createRaftHost } from "@coffer/raft/host";
import { openStateDatabase } from "@coffer/state-machine/state-database";
import type { StateDatabase } from "@coffer/state-machine";
import { createAppliedFeed } from "./applied-feed.js";
import { createBundler } from "./bundle.js";
import { unpackProposals } from "./proposals.js";
import type { Proposal } from "./proposals.js";
import { toStateMachine } from "./state-machine.js";
import { createQuestionService } from "../forwarding/server.js";
import type { QuestionService } from "../forwarding/server.js";
import type { CallName, Calls, FromWorker, ToWorker, WorkerStart } from "./protocol.js";

/** With a multiplier of 1: followers campaign after 400 to 800 ms of silence. */
const ELECTION_TICKS = 8;
const HEARTBEAT_TICKS = 2;

const port = parentPort!;
const bundler = createBundler<FromWorker>(port);
let isLeader = false;
const feed = createAppliedFeed(({ index, keys, location }) => bundler.post({ type: "applied", index, keys, ...(location !== undefined && { reset: { stateDirectory: location } }) }), () => isLeader);

function tell(message: FromWorker): void {
  feed.flush();
  bundler.post(message);
}

interface Running {
  readonly host: RaftHost;
  readonly state: StateDatabase;
  readonly service: QuestionService;
  readonly snapshots: Map<number, { readonly opened: OpenedState; readonly chunks: AsyncIterator<Uint8Array> }>;
}

let running: Running | undefined;
let nextQuestion = 1;
let nextSnapshot = 1;
const questions = new Map<number, (answer: Uint8Array) => void>();

function askMainThread(bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const id = nextQuestion++;
    questions.set(id, resolve);
    tell({ type: "forward", id, bytes });
  });
}

async function start(options: WorkerStart): Promise<void> {
  const state = await openStateDatabase(join(options.directory, "state"), lostWrites);
  const service = createQuestionService(options.clusterId, askMainThread);
  const host = await startHost(options, state, service).catch(async (error: unknown) => {
    await state.close();
    throw error;
  });
  running = { host, state, service, snapshots: new Map() };
  host.setCanLead(options.bootstrap);
  host.onFatal((error) => tell(fatal(error)));
  host.onDisk((isStalled) => tell({ type: "disk", isStalled }));
  tell({ type: "started", stateDirectory: state.location(), appliedIndex: state.appliedIndex() });
  host.onLeadership(({ role, ready, leader, leaderAddress, term }) => {
    isLeader = role === "leader";
    tell({ type: "leadership", change: { isLeader, ready, leaderId: leader, leaderAddress, term } });
  });
}

function startHost(options: WorkerStart, state: StateDatabase, service: QuestionService): Promise<RaftHost> {
  return createRaftHost(
    {
      id: options.nodeId,
      directory: options.directory,
      transport: { listen: options.listen, advertise: options.advertise, tls: options.tls, clusterId: options.clusterId },
      ...(options.alone && { alone: true }),
      ...(options.bootstrap && { bootstrap: { address: options.advertise } }),
      electionTicks: ELECTION_TICKS * options.performanceMultiplier,
      heartbeatTicks: HEARTBEAT_TICKS * options.performanceMultiplier,
      readLease: options.readLease,
      ...(options.trailingLogs !== undefined && { trailingLogs: options.trailingLogs }),
      ...(options.snapshotThreshold !== undefined && { snapshotThreshold: options.snapshotThreshold }),
    },
    toStateMachine(state, feed.changed),
    { log: (level, message, fields = {}) => tell({ type: "log", level, message, fields }) },
    service.serve,
  );
}

/** LevelDB tells the cause one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function fatal(error: unknown): FromWorker {
  return { type: "fatal", message: reasonOf(error), disk: isDiskFailure(error) };
}

type Handlers = { readonly [N in CallName]: (argument: Calls[N]["argument"], context: Running) => Promise<Calls[N]["answer"]> | Calls[N]["answer"] };

const HANDLERS: Handlers = {
  readBarrier: (_, { host }) => host.readBarrier(),
  status: (_, { host }) => host.status(),
  metrics(_, { host }) {
    const { active, idle } = performance.eventLoopUtilization();
    return { ...host.metrics(), loopActiveMs: active, loopElapsedMs: active + idle };
  },
  addServer: (server, { host }) => host.addServer(server),
  removeServer: (id, { host }) => host.removeServer(id),
  demoteServer: (id, { host }) => host.demoteServer(id),
  transferLeadership: (_, { host }) => host.transferLeadership(),
  async openSnapshot(_, { host, snapshots }) {
    const opened = await host.openSnapshot();
    const id = nextSnapshot++;
    snapshots.set(id, { opened, chunks: opened.chunks[Symbol.asyncIterator]() });
    return { id, index: opened.index, term: opened.term };
  },
  async snapshotChunk(id, { snapshots }) {
    const next = await snapshots.get(id)?.chunks.next();
    return next && !next.done ? next.value : null;
  },
  async closeSnapshot(id, { snapshots }) {
    const found = snapshots.get(id);
    snapshots.delete(id);
    await found?.opened.close();
    return null;
  },
  async dropRetired(_, { state }) {
    await state.dropRetired();
    return null;
  },
  async questionsAnswered(graceMs, { service }) {
    await service.left(graceMs);
    return null;
  },
  async stop(_, { host, state, snapshots }) {
    await host.stop();
    for (const { opened } of snapshots.values()) await opened.close();
    await state.close();
    return null;
  },
};

async function answer(id: number, name: CallName, argument: unknown): Promise<void> {
  try {
    if (!running) throw new Error("the raft thread has not started");
    const handler = HANDLERS[name] as (argument: unknown, context: Running) => unknown;
    tell({ type: "answer", id, value: await handler(argument, running) });
  } catch (error) {
    tell({ type: "failed", id, message: reasonOf(error) });
  }
}

/** Its outcome is told after the changes that it made, and together with others of its kind. */
async function propose({ id, entry, term }: Proposal): Promise<void> {
  const result: ProposeResult = running ? await running.host.propose(entry, term) : { outcome: "not-leader" };
  if (result.outcome !== "applied") return tell({ type: "answer", id, value: result });
  feed.flush();
  const last = bundler.last();
  if (last?.type !== "committed") return bundler.post({ type: "committed", ids: [id], indexes: [result.index] });
  last.ids.push(id);
  last.indexes.push(result.index);
}

function receive(message: ToWorker): void {
  switch (message.type) {
    case "start":
      start(message.options).catch((error: unknown) => tell(fatal(error)));
      return;
    case "call":
      void answer(message.id, message.name, message.argument);
      return;
    case "proposals":
      unpackProposals(message, (proposal) => propose(proposal).catch((error: unknown) => tell({ type: "failed", id: proposal.id, message: reasonOf(error) })));
      return;
    case "awaited":
      feed.awaited(message.index);
      return;
    case "can-lead":
      running?.host.setCanLead(message.canLead);
      return;
    case "forwarded":
      questions.get(message.id)?.(message.bytes);
      questions.delete(message.id);
      return;
  }
}

port.on("message", (messages: readonly ToWorker[]) => messages.forEach(receive));
