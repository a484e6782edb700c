import { randomInt } from "node:crypto";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type grpc from "@grpc/grpc-js";
import { createCore } from "../core/core.js";
import type { RaftCore } from "../core/api.js";
import type { Entry, Message, Ready, SnapshotMeta } from "../core/types.js";
import { isDiskFailure } from "../log/disk-failure.js";
import type { DurableLog } from "../log/durable-log.js";
import { startTransport } from "../transport/transport.js";
import type { Sendable } from "../transport/wire.js";
import type { ApplyResult, ProposeResult, RaftHost, RaftLogger, RaftOptions, StateMachine } from "./api.js";
import { readAppliedConfigurations } from "./applied-configurations.js";
import { applyGroup } from "./applying.js";
import { createCompaction } from "./compaction.js";
import { createMeasures } from "./measures.js";
import { addServer, removeServer } from "./membership.js";
import type { MembershipPort } from "./membership.js";
import { openMemberLog } from "./opening.js";
import { createPersistence } from "./persistence.js";
import { createProposals } from "./proposals.js";
import { createReads } from "./reads.js";
import type { ReadOutcome } from "./reads.js";
import { settingsOf } from "./settings.js";
import type { Settings } from "./settings.js";
import { createSnapshotInstall } from "./snapshot-install.js";
import { createSnapshotSending } from "./snapshot-sending.js";
import { addressOf, toStatus } from "./status.js";
import { createTurns } from "./turns.js";

/** A sealed server campaigns only after this many election timeouts, when evidently nobody else will. */
const RELUCTANCE = 5;
const TRANSFER_TIMEOUT_MS = 3000;
const TRANSFER_POLL_MS = 5;
/** How long a member whose disk failed tries to hand leadership on; then the others miss it. */
const HAND_ON_MS = 1500;

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));

/** Starts a member. `extend` puts further gRPC services on its port, under the same mutual TLS. */
export async function createRaftHost(options: RaftOptions, machine: StateMachine, logger: RaftLogger, extend?: (server: grpc.Server) => void): Promise<RaftHost> {
  const log = await openMemberLog(join(options.directory, "log"), options, machine, logger);
  try {
    return await runHost(settingsOf(options), log, machine, logger, extend);
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** For a log of the caller's own. Ends it when the host stops. */
export async function runHost(settings: Settings, log: DurableLog, machine: StateMachine, logger: RaftLogger, extend?: (server: grpc.Server) => void): Promise<RaftHost> {
  const { id } = settings;
  const now = () => performance.now();
  const measures = createMeasures();
  /** The state machine's calls never overlap. */
  const machineTurns = createTurns();
  let applied = { index: machine.appliedIndex(), term: machine.appliedTerm() };
  const configurations = readAppliedConfigurations(log, applied.index);
  const leadershipListeners: Parameters<RaftHost["onLeadership"]>[0][] = [];
  const fatalListeners: ((error: Error) => void)[] = [];
  let scheduled = false;
  let stopped = false;
  /** The disk failed: nothing more is written, and this member is about to end. */
  let failure: Error | undefined;
  let leaderReady = false;

  const core = createMemberCore(settings, log, () => ({ index: applied.index, term: applied.term, ...configurations.at(applied.index) }));
  const proposals = createProposals(now, (milliseconds) => {
    measures.commitMsSum += milliseconds;
    measures.commitCount += 1;
  });
  const reads = createReads(now, () => applied.index, schedule);
  let toldAddress: string | undefined;
  let knownServers = core.status().configuration;

  const persistence = createPersistence({ log, core, measures, now, isStopped: () => stopped, send, onDurable: drain, fail });
  const sending = createSnapshotSending({
    id, machine, machineTurns, configurations, logger,
    peer: (peer) => transport.peer(peer),
    onSent: () => void (measures.snapshotsSent += 1),
    report: (to, installed) => guard(() => core.reportSnapshot(to, installed)),
  });
  const compaction = createCompaction({
    log, machine, machineTurns, configurations, threshold: settings.snapshotThreshold, trailing: settings.trailingLogs,
    isHeld: sending.isBusy,
    onCompacted(index) {
      measures.compactions += 1;
      logger.log("debug", "compacted the log", { index, firstIndex: log.firstIndex() });
    },
  });
  const install = createSnapshotInstall({
    id, log, machine, machineTurns, persistence, logger, fail,
    step: (message) => guard(() => {
      core.step(message);
      drain();
    }),
    commitIndex: () => core.status().commitIndex,
    finished: (meta) => guard(() => {
      if (meta) {
        applied = meta;
        configurations.installed(meta);
        measures.snapshotsInstalled += 1;
      }
      core.snapshotInstalled(meta?.index);
      reads.applied(applied.index);
    }),
  });
  const applying = { machine, machineTurns, measures, now, isStopped: () => stopped, onApplied, fail };

  const transport = await startTransport(
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
      onSnapshot: (call, answer) => install.receive(call, answer),
      onFatal: fail,
      log: logger.log,
    },
    extend,
  );
  transport.setServers(knownServers.servers);

  // One tick a call: after a stall of the process the missed ones are not made up for, or it would call an election.
  const ticker = setInterval(() => {
    guard(() => core.tick());
    proposals.expire();
    reads.expire();
  }, settings.tickMs);
  // Alone there is nobody to wait for.
  const voters = knownServers.servers.filter((server) => server.voter);
  if (voters.length === 1 && voters[0]!.id === id) guard(() => core.campaign());

  function fail(error: unknown): void {
    if (stopped || failure) return;
    if (!isDiskFailure(error)) {
      end(error);
      return;
    }
    failure = asError(error);
    logger.log("error", "the disk of this node fails: it hands leadership on and takes no further part", { reason: failure.message });
    handOn().finally(() => end(failure)).catch(() => undefined);
  }

  /** Without a disk this member promises nothing any more; but what it leads, others can take over before they miss it. */
  async function handOn(): Promise<void> {
    guard(() => void core.transferLeadership(undefined));
    const deadline = now() + HAND_ON_MS;
    while (!stopped && core.status().transferTo !== undefined && now() < deadline) await new Promise<void>((wake) => setTimeout(wake, TRANSFER_POLL_MS));
  }

  function end(error: unknown): void {
    if (stopped) return;
    stopped = true;
    clearInterval(ticker);
    const cause = asError(error);
    proposals.abandon();
    reads.abandon();
    void transport.close();
    for (const listener of fatalListeners) listener(cause);
  }

  /** Everything that touches the core goes through here: what it then wants done is done in the next turn of the loop. */
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
      act(core.ready());
      reads.ask(core);
    }
    const { configuration, leader } = core.status();
    if (configuration === knownServers) return;
    knownServers = configuration;
    transport.setServers(configuration.servers);
    // A server that was just added hears its leader before it learns the configuration, and with it the leader's address.
    if (addressOf(leader, configuration) !== toldAddress) tellLeadership();
  }

  function act(ready: Ready): void {
    if (ready.leadership) leadershipChanged();
    for (const read of ready.reads) reads.answered(read.id, read.index);
    if (ready.snapshot) install.accept(ready.snapshot);
    if (ready.committed.length > 0) void applyGroup(applying, ready.committed);
    persistence.accept(ready);
  }

  function send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    measures.messagesSent += messages.length;
    const plain: Sendable[] = [];
    for (const message of messages) {
      if (message.type === "snapshot") void sending.offer(message);
      else plain.push(message);
    }
    transport.send(plain);
  }

  function onApplied(group: readonly Entry[], results: readonly ApplyResult[]): void {
    applied = group[group.length - 1]!;
    configurations.applied(group);
    core.applied(applied.index);
    group.forEach((entry, i) => proposals.settle(entry.index, entry.term, results[i]!));
    reads.applied(applied.index);
    if (!leaderReady && core.status().leaderReady) leadershipChanged();
    compaction.consider(applied.index).catch(fail);
    // Not at once: whoever was answered just now proposes again in this turn.
    schedule();
  }

  function leadershipChanged(): void {
    const status = core.status();
    if (status.role === "candidate" || status.role === "pre-candidate") measures.elections += 1;
    if (status.role === "leader" && !leaderReady && !status.leaderReady) measures.leadershipsWon += 1;
    leaderReady = status.leaderReady;
    if (status.role !== "leader") proposals.orphan();
    if (status.leader !== undefined) reads.retry();
    tellLeadership();
  }

  function tellLeadership(): void {
    const { role, leader, term, configuration } = core.status();
    toldAddress = addressOf(leader, configuration);
    for (const listener of leadershipListeners) listener({ role, leader, leaderAddress: toldAddress, term, ready: leaderReady });
  }

  const membership: MembershipPort = {
    core,
    now,
    async propose(configuration) {
      if (stopped || failure) return { ok: false, reason: "not-leader" };
      const proposed = core.proposeConfiguration(configuration);
      if (!proposed.ok) return { ok: false, reason: proposed.reason === "not-leader" ? "not-leader" : "change-in-progress" };
      schedule();
      const { outcome } = await new Promise<ProposeResult>((resolve) => proposals.add(proposed.index, proposed.term, 0, resolve));
      if (outcome === "applied" || outcome === "conflict") return { ok: true, index: proposed.index };
      return { ok: false, reason: outcome === "not-leader" ? "not-leader" : "unknown" };
    },
  };

  async function transferLeadership(to?: string): Promise<boolean> {
    let accepted = false;
    guard(() => void (accepted = core.transferLeadership(to)));
    const deadline = now() + TRANSFER_TIMEOUT_MS;
    while (accepted && now() < deadline) {
      const { role, leader, transferTo } = core.status();
      if (role !== "leader" && leader !== undefined && leader !== id) return true;
      if (role === "leader" && transferTo === undefined) return false;
      await new Promise<void>((wake) => setTimeout(wake, TRANSFER_POLL_MS));
    }
    return false;
  }

  return {
    async propose(data) {
      if (stopped || failure) return { outcome: "not-leader" };
      if (proposals.bytes() + data.length > settings.maxPendingBytes) return { outcome: "overloaded" };
      const proposed = core.propose(data);
      if (!proposed.ok) return { outcome: "not-leader" };
      schedule();
      return new Promise<ProposeResult>((resolve) => proposals.add(proposed.index, proposed.term, data.length, resolve));
    },
    readBarrier: async () => (stopped ? { outcome: "no-leader" } : new Promise<ReadOutcome>((resolve) => reads.request(resolve))),
    status: () => toStatus(id, core.status(), log, settings.tickMs),
    addServer: (server) => addServer(membership, server),
    removeServer: (server) => removeServer(membership, server),
    transferLeadership,
    setCanLead: (canLead) => guard(() => core.setCanLead(canLead)),
    onLeadership: (listener) => void leadershipListeners.push(listener),
    onFatal: (listener) => void fatalListeners.push(listener),
    metrics: () => ({ ...measures, pendingProposals: proposals.count(), pendingBytes: proposals.bytes(), queuedBytes: transport.queuedBytes() }),
    async stop() {
      stopped = true;
      clearInterval(ticker);
      proposals.abandon();
      reads.abandon();
      await transport.close();
      await Promise.all([install.idle(), sending.idle()]);
      await machineTurns.idle();
      await persistence.idle();
      await log.close();
    },
  };
}

/** `snapshotMeta` tells what is applied: the state machine is a database, so a snapshot is opened when it is needed. */
function createMemberCore(settings: Settings, log: DurableLog, snapshotMeta: () => SnapshotMeta): RaftCore {
  const begin = snapshotMeta();
  const { electionTicks, heartbeatTicks, maxInflightMessages, maxInflightBytes, maxEntriesBytesPerMessage } = settings;
  return createCore({
    id: settings.id, electionTicks, heartbeatTicks, maxInflightMessages, maxInflightBytes, maxEntriesBytesPerMessage,
    reluctanceFactor: RELUCTANCE,
    random: () => randomInt(1 << 30) / (1 << 30),
    log: {
      firstIndex: () => log.firstIndex(),
      lastIndex: () => log.lastIndex(),
      term: (index) => log.term(index),
      entries: (from, to, maxBytes) => log.entries(from, to, maxBytes),
      snapshotMeta,
    },
    hardState: log.hardState,
    configuration: begin.configuration,
    configurationIndex: begin.configurationIndex,
    appliedIndex: begin.index,
  });
}
