import { join } from "node:path";
import type grpc from "@grpc/grpc-js";
import type { Entry, Message, Ready } from "../core/types.js";
import { isDiskFailure } from "../log/disk-failure.js";
import type { DurableLog } from "../log/durable-log.js";
import type { Sendable } from "../transport/frame.js";
import type { ApplyResult, ProposeResult, RaftHost, RaftLogger, RaftOptions, StateMachine } from "./api.js";
import { readAppliedConfigurations } from "./applied-configurations.js";
import { applyGroup } from "./applying.js";
import { createCompaction } from "./compaction.js";
import { createStallWatch } from "./disk-stall.js";
import { createLeadershipWatch } from "./leadership.js";
import { createLogAge } from "./log-age.js";
import { createMeasures } from "./measures.js";
import { createMemberCore } from "./member-core.js";
import { addServer, changeServers, demoteServer, removeServer } from "./membership.js";
import type { MembershipPort } from "./membership.js";
import { openMemberLog } from "./opening.js";
import { createPersistence } from "./persistence.js";
import { createProposals } from "./proposals.js";
import { createReads } from "./reads.js";
import type { ReadOutcome } from "./reads.js";
import { createReplication } from "./replication.js";
import { createRpcTimes } from "./rpc-times.js";
import { settingsOf } from "./settings.js";
import type { Settings } from "./settings.js";
import { createSnapshotInstall } from "./snapshot-install.js";
import { createSnapshotSending } from "./snapshot-sending.js";
import { toStatus } from "./status.js";
import { REAL } from "./surroundings.js";
import type { Surroundings } from "./surroundings.js";
import { handOn, transferLeadership } from "./transfer.js";
import { createTurns } from "./turns.js";
import { watchMachine } from "./watched-machine.js";

/** Index of the entry by which a cluster begins. */
const FOUNDING = 1;

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

/** For a log, and surroundings, of the caller's own. Ends the log when the host stops. */
export async function runHost(settings: Settings, log: DurableLog, bareMachine: StateMachine, logger: RaftLogger, extend?: (server: grpc.Server) => void, surroundings: Surroundings = REAL): Promise<RaftHost> {
  const { id } = settings;
  const { now, after, uniqueId } = surroundings;
  const measures = createMeasures();
  const started = now();
  const stall = createStallWatch({
    electionTicks: settings.electionTicks, measures, logger,
    onChange(isStalled) {
      mayLead();
      for (const listener of diskListeners) listener(isStalled);
    },
  });
  const machine = watchMachine(bareMachine, measures, now, stall.state);
  /** The state machine's calls never overlap. */
  const machineTurns = createTurns();
  let applied = { index: machine.appliedIndex(), term: machine.appliedTerm() };
  const configurations = readAppliedConfigurations(log, applied.index);
  const fatalListeners: ((error: Error) => void)[] = [];
  let scheduled = false;
  let stopped = false;
  /** The disk failed: nothing more is written, and this member is about to end. */
  let failure: Error | undefined;
  /** As the owner of this member says; a disk that hangs comes on top. */
  let canLead = true;
  const diskListeners: ((isStalled: boolean) => void)[] = [];

  const core = createMemberCore(settings, log, () => ({ index: applied.index, term: applied.term, ...configurations.at(applied.index) }), surroundings);
  const replication = createReplication(measures, now);
  const rpcTimes = createRpcTimes(measures, now);
  const logAge = createLogAge(now);
  const proposals = createProposals(now, (milliseconds) => {
    measures.commitMsSum += milliseconds;
    measures.commitCount += 1;
  });
  const reads = createReads(now, () => applied.index, schedule);
  const leadership = createLeadershipWatch(id, core, measures, (isLeader, isLeaderKnown) => {
    if (!isLeader) proposals.orphan();
    if (isLeaderKnown) reads.retry();
    install.termChanged();
  });
  const transfer = { core, now, after, isStopped: () => stopped, guard };
  let knownServers = core.status().configuration;

  const persistence = createPersistence({ log, core, measures, now, watch: stall.log, logAge, isStopped: () => stopped, send, onDurable: drain, fail });
  const sending = createSnapshotSending({
    id, machine, machineTurns, configurations, logger, measures, now, after, uniqueId,
    peer: (peer) => transport.peer(peer),
    isLeading: (term) => !stopped && core.status().role === "leader" && core.status().term === term,
    report: (to, installed) => guard(() => core.reportSnapshot(to, installed)),
  });
  const compaction = createCompaction({
    log, machine, machineTurns, configurations, threshold: settings.snapshotThreshold, thresholdBytes: settings.snapshotThresholdBytes, trailing: settings.trailingLogs, trailingBytes: settings.trailingBytes,
    isHeld: sending.isBusy, now,
    onCompacted(index, flushMs, cutMs) {
      measures.compactions += 1;
      measures.flushMsSum += flushMs;
      measures.compactMsSum += cutMs;
      logger.log("debug", "compacted the log", { index, firstIndex: log.firstIndex() });
    },
  });
  const install = createSnapshotInstall({
    id, log, machine, machineTurns, persistence, logger, fail,
    step: (message) => guard(() => {
      core.step(message);
      drain();
    }),
    status: () => core.status(),
    now, after,
    finished: (meta, milliseconds) => guard(() => {
      rpcTimes.installEnded();
      if (meta) {
        measures.snapshotInstallMsSum += milliseconds;
        measures.lastInstallMs = milliseconds;
        applied = meta;
        configurations.installed(meta);
        measures.snapshotsInstalled += 1;
      }
      core.snapshotInstalled(meta?.index);
      reads.applied(applied.index);
    }),
  });
  const applying = { machine, machineTurns, measures, now, isStopped: () => stopped, onApplied, fail };

  const transport = await surroundings.startTransport(
    id,
    settings.transport,
    {
      onMessages(messages) {
        measures.messagesReceived += messages.length;
        guard(() => {
          for (const message of messages) {
            if (message.type === "timeout-now") measures.electionsTransfer += 1;
            replication.answered(message);
            rpcTimes.received(message);
            core.step(message);
          }
        });
      },
      onUnreachable(peer) {
        replication.lost(peer);
        guard(() => core.reportUnreachable(peer));
      },
      onSnapshot: (call) => void install.receive(call),
      onFatal: fail,
      log: logger.log,
    },
    extend,
  );
  transport.setServers(knownServers.servers);

  // One tick a call: after a stall of the process the missed ones are not made up for, or it would call an election.
  const stopTicking = surroundings.every(settings.tickMs, () => {
    guard(() => core.tick());
    stall.tick();
    proposals.expire();
    reads.expire();
  });
  // Who founded the cluster and never saw another server has nobody to wait for. Anyone else may have granted a lease to a leader that
  // left it alone, and whom it ran against in the same term.
  const voters = knownServers.servers.filter((server) => server.voter);
  if (voters.length === 1 && voters[0]!.id === id && core.status().vote === id && core.status().configurationIndex === FOUNDING) guard(() => core.campaign());

  function mayLead(): void {
    guard(() => core.setCanLead(canLead && !stall.isStalled()));
  }

  function fail(error: unknown): void {
    if (stopped || failure) return;
    if (!isDiskFailure(error)) {
      end(error);
      return;
    }
    failure = asError(error);
    logger.log("error", "the disk of this node fails: it hands leadership on and takes no further part", { reason: failure.message });
    handOn(transfer).finally(() => end(failure)).catch(() => undefined);
  }

  function end(error: unknown): void {
    if (stopped) return;
    stopped = true;
    stopTicking();
    const cause = asError(error);
    proposals.abandon();
    reads.abandon();
    install.abandon();
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
    surroundings.nextTurn(() => {
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
    const { configuration } = core.status();
    if (configuration === knownServers) return;
    knownServers = configuration;
    transport.setServers(configuration.servers);
    leadership.configurationChanged();
  }

  function act(ready: Ready): void {
    if (ready.leadership) leadership.changed();
    for (const read of ready.reads) {
      if (read.index !== undefined) measures.readRounds += 1;
      reads.answered(read.id, read.index);
    }
    if (ready.snapshot) install.accept(ready.snapshot);
    if (ready.committed.length > 0) void applyGroup(applying, ready.committed);
    persistence.accept(ready);
  }

  function send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    measures.messagesSent += messages.length;
    const plain: Sendable[] = [];
    for (const message of messages) {
      if (message.type === "snapshot") {
        void sending.offer(message);
        continue;
      }
      replication.sent(message);
      rpcTimes.sent(message);
      plain.push(message);
    }
    transport.send(plain);
  }

  function onApplied(group: readonly Entry[], results: readonly ApplyResult[]): void {
    applied = group[group.length - 1]!;
    configurations.applied(group);
    core.applied(applied.index);
    group.forEach((entry, i) => proposals.settle(entry.index, entry.term, results[i]!));
    reads.applied(applied.index);
    if (!leadership.isReady() && core.status().leaderReady) leadership.changed();
    compaction.consider(applied.index).catch(fail);
    // Not at once: whoever was answered just now proposes again in this turn.
    schedule();
  }

  const membership: MembershipPort = {
    core, now, after,
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

  return {
    async propose(data, term) {
      if (stopped || failure) return { outcome: "not-leader" };
      if (proposals.bytes() + data.length > settings.maxPendingBytes || proposals.count() >= settings.maxPendingProposals) {
        measures.proposalsRefused += 1;
        return { outcome: "overloaded" };
      }
      const proposed = core.propose(data, term);
      if (!proposed.ok) return { outcome: "not-leader" };
      measures.proposedCount += 1;
      measures.proposedBytes += data.length;
      schedule();
      return new Promise<ProposeResult>((resolve) => proposals.add(proposed.index, proposed.term, data.length, resolve));
    },
    async readBarrier() {
      if (stopped) return { outcome: "no-leader" };
      measures.barriers += 1;
      return new Promise<ReadOutcome>((resolve) => reads.request(resolve));
    },
    openSnapshot: () => machine.openSnapshot(),
    status: () => toStatus(id, core.status(), log, core.unstable(), settings.tickMs, replication.of),
    addServer: (server) => addServer(membership, server),
    removeServer: (server) => removeServer(membership, server),
    demoteServer: (server) => demoteServer(membership, server, id),
    changeServers: (servers) => changeServers(membership, servers),
    transferLeadership: (to) => transferLeadership(transfer, id, to),
    setCanLead(may) {
      canLead = may;
      mayLead();
    },
    onDisk: (listener) => void diskListeners.push(listener),
    onLeadership: leadership.listen,
    onFatal: (listener) => void fatalListeners.push(listener),
    metrics: () => ({
      ...measures,
      pendingProposals: proposals.count(), pendingBytes: proposals.bytes(), queuedBytes: transport.queuedBytes(), sentBytes: transport.sentBytes(),
      unwrittenEntries: core.unstable().length, logBytes: log.bytesAfter(log.compaction.index), oldestLogAgeMs: logAge.ageOf(log.firstIndex()), elapsedMs: now() - started,
    }),
    async stop() {
      stopped = true;
      stopTicking();
      proposals.abandon();
      reads.abandon();
      install.abandon();
      await transport.close();
      await Promise.all([install.idle(), sending.idle()]);
      await machineTurns.idle();
      await persistence.idle();
      await log.close();
    },
  };
}
