import { randomInt } from "node:crypto";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type grpc from "@grpc/grpc-js";
import { createCore } from "../core/core.js";
import { decodeConfiguration, encodeConfiguration } from "../core/configuration.js";
import type { RaftCore } from "../core/api.js";
import type { Configuration, Entry, HardState, LogIndex, Message, NodeId, Ready, SnapshotMeta } from "../core/types.js";
import { DamagedLogError } from "../log/record.js";
import { openDurableLog } from "../log/durable-log.js";
import type { DurableLog } from "../log/durable-log.js";
import { snapshotChunks } from "../snapshot/receive.js";
import { sendSnapshot } from "../snapshot/send.js";
import { startTransport } from "../transport/transport.js";
import type { Transport } from "../transport/transport.js";
import { metaFromWire } from "../transport/wire.js";
import type { Sendable, WireSnapshotChunk } from "../transport/wire.js";
import type { ProposeResult, RaftHost, RaftOptions, RaftStatus, StateMachine } from "./api.js";
import { createMeasures } from "./measures.js";
import { addServer, removeServer } from "./membership.js";
import type { MembershipPort } from "./membership.js";
import { createProposals } from "./proposals.js";
import { createReads } from "./reads.js";

export interface RaftLogger {
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>): void;
}

const DEFAULTS = {
  tickMs: 50,
  electionTicks: 8,
  heartbeatTicks: 2,
  trailingLogs: 10_000,
  snapshotThreshold: 8192,
  maxInflightMessages: 256,
  maxInflightBytes: 8 * 1024 * 1024,
  maxEntriesBytesPerMessage: 1024 * 1024,
  maxPendingBytes: 64 * 1024 * 1024,
} as const;

/** A sealed server campaigns only after this many election timeouts, when evidently nobody else will. */
const RELUCTANCE = 5;
/** A proposal whose leader fell is waited for this long: the next leader usually commits it. */
const ABANDON_MS = 2000;
const TRANSFER_TIMEOUT_MS = 3000;

interface Incoming {
  readonly meta: SnapshotMeta;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly answer: (installed: boolean) => void;
}

export async function createRaftHost(options: RaftOptions, machine: StateMachine, logger: RaftLogger, extend?: (server: grpc.Server) => void): Promise<RaftHost> {
  const settings = { ...DEFAULTS, ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) } as typeof DEFAULTS & RaftOptions;
  const { id } = options;
  const directory = join(options.directory, "log");
  let log = await openDurableLog(directory);
  if (options.bootstrap && log.lastIndex() === 0) {
    const configuration = { servers: [{ id, address: options.bootstrap.address, voter: true }] };
    await log.write({ hardState: { term: 1, vote: id, commit: 1 }, entries: [{ index: 1, term: 1, kind: "config", data: encodeConfiguration(configuration) }] });
    await log.close();
    log = await openDurableLog(directory);
  }
  await agreeWithState(log, machine);
  return runHost(id, settings, log, machine, logger, extend);
}

/** A crash may fall between the install of a snapshot and the log's knowing of it; anything else that disagrees is damage. */
async function agreeWithState(log: DurableLog, machine: StateMachine): Promise<void> {
  const applied = machine.appliedIndex();
  if (log.expected && log.expected.index === applied && applied > log.compaction.index) await log.reset(log.expected);
  if (applied > log.lastIndex()) throw new DamagedLogError(`the state reaches entry ${applied}, the log ends at ${log.lastIndex()}`);
  if (applied < log.compaction.index) throw new DamagedLogError(`the state ends at entry ${applied}, the log begins after ${log.compaction.index}`);
}

async function runHost(id: NodeId, settings: typeof DEFAULTS & RaftOptions, log: DurableLog, machine: StateMachine, logger: RaftLogger, extend?: (server: grpc.Server) => void): Promise<RaftHost> {
  const now = () => performance.now();
  const measures = createMeasures();
  let applied = machine.appliedIndex();
  let appliedTerm = machine.appliedTerm();
  let appliedConfiguration = configurationAt(log, applied);

  const core: RaftCore = createCore({
    id,
    electionTicks: settings.electionTicks,
    heartbeatTicks: settings.heartbeatTicks,
    maxInflightMessages: settings.maxInflightMessages,
    maxInflightBytes: settings.maxInflightBytes,
    maxEntriesBytesPerMessage: settings.maxEntriesBytesPerMessage,
    reluctanceFactor: RELUCTANCE,
    random: () => randomInt(1 << 30) / (1 << 30),
    log: {
      firstIndex: () => log.firstIndex(),
      lastIndex: () => log.lastIndex(),
      term: (index) => log.term(index),
      entries: (from, to, maxBytes) => log.entries(from, to, maxBytes),
      // The state machine is a database: a snapshot to send is opened when it is needed, at what is applied by then.
      snapshotMeta: () => ({ index: applied, term: appliedTerm, configuration: appliedConfiguration.value, configurationIndex: appliedConfiguration.index }),
    },
    hardState: log.hardState,
    configuration: appliedConfiguration.value,
    configurationIndex: appliedConfiguration.index,
    appliedIndex: applied,
  });

  const proposals = createProposals(now, (milliseconds) => {
    measures.commitMsSum += milliseconds;
    measures.commitCount += 1;
  });
  const reads = createReads(now, () => applied, schedule);
  const leadershipListeners: Parameters<RaftHost["onLeadership"]>[0][] = [];
  const fatalListeners: ((error: Error) => void)[] = [];
  const configurationWaiters: { index: LogIndex; term: number; resolve: (mine: boolean) => void }[] = [];
  let toPersist: { hardState: HardState | undefined; entries: Entry[]; messages: Message[] } = { hardState: undefined, entries: [], messages: [] };
  let persisting = false;
  let writingHardState = false;
  let toApply: Entry[] = [];
  let applying = false;
  let scheduled = false;
  let stopped = false;
  let incoming: Incoming | undefined;
  let sendingSnapshots = 0;
  let compacting = false;
  let leaderReady = false;
  let abandonTimer: NodeJS.Timeout | undefined;
  let knownServers = core.status().configuration;

  const transport: Transport = await startTransport(
    id,
    settings.transport,
    {
      onMessages(messages) {
        measures.messagesReceived += messages.length;
        guard(() => {
          for (const message of messages) core.step(message);
        });
      },
      onUnreachable: (peer) => guard(() => core.reportUnreachable(peer)),
      onSnapshot: receiveSnapshot,
      log: logger.log,
    },
    extend,
  );
  transport.setServers(knownServers.servers);

  function fail(error: unknown): void {
    if (stopped) return;
    stopped = true;
    clearInterval(ticker);
    const cause = error instanceof Error ? error : new Error(String(error));
    proposals.abandon();
    reads.abandon();
    void transport.close();
    for (const listener of fatalListeners) listener(cause);
  }

  /** Everything that touches the core goes through here: what it then wants done is done in the same turn of the loop. */
  function guard(action: () => void): void {
    if (stopped) return;
    try {
      action();
      schedule();
    } catch (error) {
      fail(error);
    }
  }

  function schedule(): void {
    if (scheduled || stopped) return;
    scheduled = true;
    // One turn later: whatever else arrives in this turn shares the same batch, message and sync.
    setImmediate(() => {
      scheduled = false;
      try {
        drain();
      } catch (error) {
        fail(error);
      }
    });
  }

  function drain(): void {
    if (stopped) return;
    reads.ask(core);
    while (core.hasReady()) {
      const ready = core.ready();
      // A message may name a term only once that term is on disk, be it written by this Ready or an earlier one.
      if (toPersist.hardState || writingHardState) toPersist.messages.push(...ready.messagesNow);
      else dispatch(ready.messagesNow);
      if (ready.leadership) leadershipChanged();
      for (const read of ready.reads) reads.answered(read.id, read.index);
      if (ready.snapshot) void install(ready.snapshot);
      queue(ready);
      reads.ask(core);
    }
    followServers();
  }

  function queue(ready: Ready): void {
    if (ready.hardState) toPersist.hardState = ready.hardState;
    for (const entry of ready.entries) {
      // A later Ready may overwrite what an earlier one left unwritten.
      const overlap = toPersist.entries.length > 0 ? entry.index - toPersist.entries[0]!.index : -1;
      if (overlap >= 0 && overlap < toPersist.entries.length) toPersist.entries.length = overlap;
      toPersist.entries.push(entry);
    }
    toPersist.messages.push(...ready.messagesAfterPersist);
    for (const entry of ready.committed) toApply.push(entry);
    void persist();
    void apply();
  }

  function dispatch(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    measures.messagesSent += messages.length;
    const plain: Sendable[] = [];
    for (const message of messages) {
      if (message.type === "snapshot") void offerSnapshot(message.to);
      else plain.push(message);
    }
    transport.send(plain);
  }

  /** Group commit: while one batch is being synced, the next one gathers. */
  async function persist(): Promise<void> {
    if (persisting) return;
    persisting = true;
    try {
      while (!stopped && (toPersist.hardState || toPersist.entries.length > 0 || toPersist.messages.length > 0)) {
        const work = toPersist;
        toPersist = { hardState: undefined, entries: [], messages: [] };
        if (work.hardState || work.entries.length > 0) {
          const begin = now();
          writingHardState = work.hardState !== undefined;
          await log.write(work);
          writingHardState = false;
          measures.fsyncMsSum += now() - begin;
          measures.fsyncCount += 1;
          measures.appendedEntries += work.entries.length;
          if (work.entries.length > 0) measures.appendBatches += 1;
        }
        if (stopped) return;
        const last = work.entries[work.entries.length - 1];
        if (last) core.persisted(last.index, last.term);
        dispatch(work.messages);
        drain();
      }
    } catch (error) {
      fail(error);
    } finally {
      persisting = false;
    }
  }

  async function apply(): Promise<void> {
    if (applying) return;
    applying = true;
    try {
      while (!stopped && toApply.length > 0) {
        const group = toApply;
        toApply = [];
        const begin = now();
        const results = await machine.apply(group);
        measures.applyMsSum += now() - begin;
        measures.applyCount += group.length;
        const last = group[group.length - 1]!;
        applied = last.index;
        appliedTerm = last.term;
        for (const entry of group) if (entry.kind === "config") appliedConfiguration = { index: entry.index, value: decodeConfiguration(entry.data) };
        core.applied(applied);
        group.forEach((entry, i) => proposals.settle(entry.index, entry.term, results[i]!));
        settleConfigurations(last);
        reads.applied(applied);
        if (!leaderReady && core.status().leaderReady) leadershipChanged();
        void maybeCompact();
        schedule();
      }
    } catch (error) {
      fail(error);
    } finally {
      applying = false;
    }
  }

  function settleConfigurations(last: Entry): void {
    for (let i = configurationWaiters.length - 1; i >= 0; i--) {
      const waiter = configurationWaiters[i]!;
      if (waiter.index > last.index) continue;
      configurationWaiters.splice(i, 1);
      waiter.resolve(log.term(waiter.index) === waiter.term);
    }
  }

  async function maybeCompact(): Promise<void> {
    if (compacting || sendingSnapshots > 0 || applied - log.compaction.index < settings.snapshotThreshold + settings.trailingLogs) return;
    compacting = true;
    try {
      // Only what the state machine is known to hold on disk may leave the log.
      const durable = await machine.flush();
      const index = durable - settings.trailingLogs;
      const term = log.term(index);
      if (term !== undefined && index > log.compaction.index && sendingSnapshots === 0) {
        const configuration = configurationAt(log, index);
        await log.compact({ index, term, configuration: configuration.value, configurationIndex: configuration.index });
        measures.compactions += 1;
        logger.log("debug", "compacted the log", { index, firstIndex: log.firstIndex() });
      }
    } catch (error) {
      fail(error);
    } finally {
      compacting = false;
    }
  }

  async function offerSnapshot(to: NodeId): Promise<void> {
    const peer = transport.peer(to);
    let installed = false;
    sendingSnapshots += 1;
    try {
      if (peer) {
        const configuration = appliedConfiguration;
        const snapshot = await machine.openSnapshot();
        try {
          const meta = { index: snapshot.index, term: snapshot.term, configuration: configuration.value, configurationIndex: Math.min(configuration.index, snapshot.index) };
          logger.log("info", "sending the state to a follower", { peer: to, index: meta.index });
          installed = await sendSnapshot(peer, id, core.status().term, meta, snapshot.chunks);
          measures.snapshotsSent += 1;
        } finally {
          await snapshot.close();
        }
      }
    } catch (error) {
      logger.log("warn", "sending the state failed", { peer: to, reason: String(error) });
    } finally {
      sendingSnapshots -= 1;
      guard(() => core.reportSnapshot(to, installed));
    }
  }

  async function receiveSnapshot(call: grpc.ServerReadableStream<WireSnapshotChunk, { installed: boolean }>, answer: (installed: boolean) => void): Promise<void> {
    const stream = call[Symbol.asyncIterator]() as AsyncIterator<WireSnapshotChunk>;
    try {
      const { value } = await stream.next();
      const header = (value as WireSnapshotChunk | undefined)?.header;
      if (!header || incoming || stopped) {
        answer(false);
        return;
      }
      const meta = metaFromWire(header);
      incoming = { meta, chunks: snapshotChunks(stream), answer };
      core.step({ type: "snapshot", from: header.from, to: id, term: header.sender_term, meta });
      drain();
      // The core had no use for it: it has the entries, or the sender leads no more.
      if (incoming?.meta === meta && !installing) {
        incoming = undefined;
        answer(core.status().commitIndex >= meta.index);
      }
    } catch (error) {
      logger.log("warn", "receiving a state failed", { reason: String(error) });
      answer(false);
    }
  }

  let installing = false;
  async function install(meta: SnapshotMeta): Promise<void> {
    const arrival = incoming;
    if (!arrival || arrival.meta !== meta) {
      guard(() => core.snapshotInstalled(undefined));
      return;
    }
    installing = true;
    let installed = false;
    try {
      while (applying || compacting) await new Promise<void>((wake) => setImmediate(wake));
      await log.expectSnapshot(meta);
      await machine.installSnapshot(meta, arrival.chunks);
      while (persisting) await new Promise<void>((wake) => setImmediate(wake));
      persisting = true;
      await log.reset(meta);
      persisting = false;
      applied = meta.index;
      appliedTerm = meta.term;
      appliedConfiguration = { index: meta.configurationIndex, value: meta.configuration };
      installed = true;
      measures.snapshotsInstalled += 1;
      logger.log("info", "installed the leader's state", { index: meta.index });
    } catch (error) {
      logger.log("warn", "installing the leader's state failed; the old one stays", { reason: String(error) });
    } finally {
      installing = false;
      incoming = undefined;
      toApply = installed ? [] : toApply;
      guard(() => core.snapshotInstalled(installed ? meta.index : undefined));
      void apply();
      reads.applied(applied);
      arrival.answer(installed);
    }
  }

  function followServers(): void {
    const { configuration } = core.status();
    if (configuration === knownServers) return;
    knownServers = configuration;
    transport.setServers(configuration.servers);
  }

  function leaderAddress(leader: NodeId | undefined, configuration: Configuration): string | undefined {
    return configuration.servers.find((server) => server.id === leader)?.address;
  }

  function leadershipChanged(): void {
    const status = core.status();
    if (status.role === "candidate" || status.role === "pre-candidate") measures.elections += 1;
    if (status.role === "leader" && !leaderReady && !status.leaderReady) measures.leadershipsWon += 1;
    leaderReady = status.leaderReady;
    clearTimeout(abandonTimer);
    // Entries of a lost term are settled by what gets applied in their place; after a while their fate is called unknown.
    if (status.role !== "leader" && proposals.count() > 0) abandonTimer = setTimeout(() => proposals.abandon(), ABANDON_MS);
    if (status.role !== "leader") for (const waiter of configurationWaiters.splice(0)) waiter.resolve(false);
    for (const listener of leadershipListeners) listener({ role: status.role, leader: status.leader, leaderAddress: leaderAddress(status.leader, status.configuration), term: status.term, ready: leaderReady });
  }

  // One tick a call: after a stall of the process the missed ones are not made up for, or it would call an election.
  const ticker = setInterval(() => {
    guard(() => core.tick());
    reads.expire();
  }, settings.tickMs);

  const membership: MembershipPort = {
    core,
    now,
    propose(configuration) {
      if (stopped) return Promise.resolve({ ok: false, reason: "not-leader" });
      const proposed = core.proposeConfiguration(configuration);
      if (!proposed.ok) return Promise.resolve({ ok: false, reason: proposed.reason === "not-leader" ? "not-leader" : "change-in-progress" });
      schedule();
      return new Promise((resolve) => {
        configurationWaiters.push({ index: proposed.index, term: proposed.term, resolve: (mine) => resolve(mine ? { ok: true, index: proposed.index } : { ok: false, reason: "not-leader" }) });
      });
    },
  };

  return {
    propose(data) {
      if (stopped) return Promise.resolve({ outcome: "not-leader" });
      if (proposals.bytes() + data.length > settings.maxPendingBytes) return Promise.resolve({ outcome: "overloaded" });
      const proposed = core.propose(data);
      if (!proposed.ok) return Promise.resolve({ outcome: "not-leader" });
      schedule();
      return new Promise<ProposeResult>((resolve) => proposals.add(proposed.index, proposed.term, data.length, resolve));
    },
    readBarrier: () => (stopped ? Promise.resolve({ outcome: "no-leader" as const }) : reads.request()),
    status() {
      const status = core.status();
      return toStatus(id, status, log.firstIndex(), leaderAddress(status.leader, status.configuration), settings.tickMs);
    },
    addServer: (server) => addServer(membership, server),
    removeServer: (server) => removeServer(membership, server),
    async transferLeadership(to) {
      let accepted = false;
      guard(() => void (accepted = core.transferLeadership(to)));
      if (!accepted) return false;
      const deadline = now() + TRANSFER_TIMEOUT_MS;
      while (now() < deadline) {
        const { role, leader } = core.status();
        if (role !== "leader" && leader !== undefined && leader !== id) return true;
        await new Promise<void>((wake) => setTimeout(wake, 5));
      }
      return false;
    },
    setCanLead: (canLead) => guard(() => core.setCanLead(canLead)),
    onLeadership: (listener) => void leadershipListeners.push(listener),
    onFatal: (listener) => void fatalListeners.push(listener),
    metrics: () => ({ ...measures, pendingProposals: proposals.count(), pendingBytes: proposals.bytes() }),
    async stop() {
      stopped = true;
      clearInterval(ticker);
      clearTimeout(abandonTimer);
      proposals.abandon();
      reads.abandon();
      await transport.close();
      while (persisting || applying || compacting) await new Promise<void>((wake) => setTimeout(wake, 1));
      await log.close();
    },
  };
}

/** The configuration in force at `index`. */
function configurationAt(log: DurableLog, index: LogIndex): { index: LogIndex; value: Configuration } {
  for (let at = index; at >= log.firstIndex(); at--) {
    const entry = log.entries(at, at + 1, 1)?.[0];
    if (entry?.kind === "config") return { index: at, value: decodeConfiguration(entry.data) };
  }
  return { index: log.compaction.configurationIndex, value: log.compaction.configuration };
}

function toStatus(id: NodeId, status: ReturnType<RaftCore["status"]>, firstIndex: LogIndex, leaderAddress: string | undefined, tickMs: number): RaftStatus {
  return {
    id,
    role: status.role,
    leader: status.leader,
    leaderAddress,
    term: status.term,
    commitIndex: status.commitIndex,
    appliedIndex: status.appliedIndex,
    lastIndex: status.lastIndex,
    firstIndex,
    configuration: status.configuration,
    configurationIndex: status.configurationIndex,
    servers: status.configuration.servers.map((server) => {
      const peer = status.peers.find((one) => one.id === server.id);
      const isSelf = server.id === id;
      return {
        ...server,
        leader: server.id === status.leader,
        matchIndex: isSelf ? status.lastIndex : (peer?.matchIndex ?? 0),
        lastContactMs: isSelf ? 0 : peer ? peer.silentTicks * tickMs : undefined,
      };
    }),
  };
}
