import type { RaftCore } from "../core/api.js";
import type { Configuration, Entry, LogIndex, Message, NodeId, Term } from "../core/types.js";
import type { ProposeResult, RaftHost, RaftOptions, StateMachine } from "../host/api.js";
import type { ReadOutcome } from "../host/reads.js";
import { settingsOf } from "../host/settings.js";
import type { DurableLog } from "../log/durable-log.js";
import type { IncomingSnapshotCall } from "../snapshot/streams.js";
import { durableTerm, forgetVote, found, heldBy, heldIn, keysInUse, loseLastEntries } from "./held-log.js";
import { Violation } from "./checker.js";
import type { HeldLog } from "./held-log.js";
import { createSimulatedLevel } from "./level.js";
import type { Port } from "./port.js";
import { createProcess } from "./process.js";
import type { Process } from "./process.js";
import { DAMAGED_STATE } from "./state.js";
import { createSurroundings } from "./surroundings.js";
import type { SimulatedSurroundings } from "./surroundings.js";

/** Moments a tick; other durations are in moments too. */
export const TICK = 10;
export const ELECTION_TICKS = 8;
export const TICK_MS = 50;
const SETTINGS = { electionTicks: ELECTION_TICKS, tickMs: TICK_MS, heartbeatTicks: 2, maxInflightMessages: 4, maxInflightBytes: 1000, maxEntriesBytesPerMessage: 200, trailingLogs: 10, snapshotThreshold: 15 };
const QUIET = { log: () => undefined };

/** What lives in memory; gone with a crash. */
export interface Running {
  readonly core: RaftCore;
  readonly log: DurableLog;
  /** Undefined while it starts. */
  host: RaftHost | undefined;
  checkedCommit: LogIndex;
  /** The last term in which it was seen to lead. */
  electedIn: Term;
}

/** What ends with a member: its process, all the power of its machine, or with that something that its disk has. */
export type Crash = "process" | "power" | "disk";

/** The shipped member (host, core, log, snapshots), its disk, its state and its surroundings simulated. */
export interface Member {
  readonly id: NodeId;
  running(): Running | undefined;
  /** Between its start and the moment at which it takes part. */
  isStarting(): boolean;
  /** What is synced here, be it running or not. */
  held(): HeldLog;
  /** When its disk was spoilt: what it holds is not what was written, and it does not start. */
  damagedSince(): number | undefined;
  /** Lets the process stand still, as a garbage collection or SIGSTOP does. */
  pause(moments: number): void;
  start(): void;
  crash(what?: Crash): void;
  /** The operator gives a damaged member an empty disk. */
  replaceDisk(): void;
  receive(message: Message): void;
  /** Gives who takes it. */
  receiveSnapshot(call: IncomingSnapshotCall): Process | undefined;
  tick(): void;
  propose(data: Uint8Array): Promise<ProposeResult>;
  read(): Promise<ReadOutcome>;
  /** Does something to the core that no caller of the host could. */
  drive(action: (running: Running) => void): void;
  /** An entry as this member has it, durable or not. */
  entryAt(index: LogIndex): Entry | undefined;
  termAt(index: LogIndex): Term | undefined;
}

export function createMember(id: NodeId, bootstrap: Configuration | undefined, port: Port): Member {
  const { clock, random, checker, breakage, shipped, state } = port;
  const level = createSimulatedLevel(random);
  let process: Process | undefined;
  let surroundings: SimulatedSurroundings | undefined;
  let running: Running | undefined;
  /** What it held when its disk was spoilt. */
  let heldBefore: HeldLog | undefined;
  let pausedUntil = 0;
  let ticks = 0;
  let damagedSince: number | undefined;
  if (bootstrap) found(level.records(), bootstrap);

  async function boot(mine: Process): Promise<void> {
    const machine = watchedMachine(await state.open(mine));
    if (machine.reached().index > machine.appliedIndex()) checker.counts.reapplied += 1;
    const open = () => shipped.readLog(level.open(() => mine.work(1, 3)));
    const log = watchedLog(await shipped.prepareLog(open, { id, maxEntriesBytesPerMessage: SETTINGS.maxEntriesBytesPerMessage }, machine, QUIET, async () => false));
    damagedSince = undefined;
    heldBefore = undefined;
    const around = createSurroundings(id, mine, port, () => ticks);
    surroundings = {
      ...around,
      createCore(options) {
        const core = watchedCore(around.createCore(options));
        running = { core, log, host: undefined, checkedCommit: log.compaction.index, electedIn: 0 };
        checker.written(member, log.entries(log.firstIndex(), log.lastIndex() + 1, Infinity) ?? []);
        checker.reached(member, machine.appliedIndex(), state.digest());
        checker.watch(member);
        return core;
      },
    };
    const host = await shipped.runHost(settingsOf({ id, ...SETTINGS, readLease: port.leaseClock !== undefined } as RaftOptions), log, machine, QUIET, undefined, surroundings);
    host.onFatal(port.fail);
    if (running) running.host = host;
  }

  /** After everything that reaches the core. */
  function look(): void {
    checker.watch(member);
    const { role, term } = running!.core.status();
    // An only voter leads at once, before its vote is on disk; until then nobody hears of it, and a crash undoes it.
    if (role !== "leader" || term === running!.electedIn || durableTerm(level.records()) !== term) return;
    running!.electedIn = term;
    checker.elected(member, term);
  }

  function watchedCore(core: RaftCore): RaftCore {
    const looking = <A extends unknown[], R>(work: (...given: A) => R) => (...given: A): R => {
      const result = work(...given);
      look();
      return result;
    };
    return {
      ...core,
      tick: looking(core.tick), step: looking(core.step), propose: looking(core.propose), proposeConfiguration: looking(core.proposeConfiguration),
      campaign: looking(core.campaign), persisted: looking(core.persisted), applied: looking(core.applied), ready: looking(core.ready),
      snapshotInstalled: looking((index: LogIndex | undefined) => {
        if (index !== undefined) {
          running!.checkedCommit = index;
          checker.counts.installs += 1;
        }
        core.snapshotInstalled(index);
      }),
    };
  }

  function watchedLog(log: DurableLog): DurableLog {
    const write: DurableLog["write"] = async (work) => {
      await log.write(work);
      checker.written(member, work.entries);
    };
    return Object.create(log, { write: { value: write } }) as DurableLog;
  }

  function watchedMachine(machine: StateMachine): StateMachine {
    return {
      ...machine,
      async apply(group) {
        checker.applying(group);
        const results = await machine.apply(group);
        // Before that it is of no one index; and who starts now has it whole, or is found out.
        if (machine.appliedIndex() === machine.reached().index) checker.reached(member, machine.appliedIndex(), state.digest());
        return results;
      },
      async installSnapshot(meta, chunks) {
        await machine.installSnapshot(meta, chunks).catch((error: Error) => {
          // The pieces that arrived were looked at one by one: given up an install may be, but whatever it got has to fit.
          if (error.name !== "DamagedSnapshotError") port.fail(new Violation(`what ${id} was sent is no state: ${error.message}`));
          throw error;
        });
        checker.reached(member, machine.appliedIndex(), state.digest());
      },
    };
  }

  function start(): void {
    if (process) return;
    const mine = createProcess(clock, random, () => pausedUntil);
    process = mine;
    boot(mine).catch((error: unknown) => {
      if (process !== mine) return;
      stop();
      const isDamage = error instanceof Error && ["DamagedLogError", DAMAGED_STATE].includes(error.name);
      if (!isDamage || damagedSince === undefined) port.fail(error);
    });
  }

  function stop(): void {
    process?.end();
    process = undefined;
    surroundings = undefined;
    running = undefined;
    pausedUntil = 0;
  }

  /** A bit turned over in a record of the log, or its end torn off. */
  function spoilLog(): boolean {
    const records = level.records();
    const keys = keysInUse(records);
    if (keys.length === 0) return false;
    const key = random.pick(keys);
    const bytes = Uint8Array.from(records.get(key)!);
    if (random.chance(0.3)) records.set(key, bytes.subarray(0, random.int(0, bytes.length - 1)));
    else {
      bytes[random.int(0, bytes.length - 1)]! ^= 1 << random.int(0, 7);
      records.set(key, bytes);
    }
    return true;
  }

  const isAwake = () => running?.host !== undefined && pausedUntil <= clock.now();

  const member: Member = {
    id,
    running: () => running,
    isStarting: () => process !== undefined && running?.host === undefined,
    held: () => heldBefore ?? (running ? heldBy(running.log) : heldIn(level.records())),
    damagedSince: () => damagedSince,
    pause: (moments) => void (pausedUntil = clock.now() + moments),
    start,
    crash(what = "process") {
      if (!process) return;
      stop();
      level.crash();
      if (what !== "process") state.losePower();
      if (breakage.forgetsVotes) forgetVote(level.records());
      if (breakage.losesSyncedEntries) loseLastEntries(level.records());
      if (what !== "disk") return;
      const before = heldIn(new Map(level.records()));
      if (!(random.chance(0.5) && state.damage()) && !spoilLog()) return;
      heldBefore = before;
      damagedSince = clock.now();
      checker.counts.damages += 1;
    },
    replaceDisk() {
      // It may just be trying to start.
      stop();
      level.crash();
      level.records().clear();
      state.wipe();
      damagedSince = undefined;
      heldBefore = undefined;
      start();
    },
    receive: (message) => process?.later(0, () => surroundings?.events()?.onMessages([message])),
    receiveSnapshot(call) {
      const mine = process;
      const events = surroundings?.events();
      if (!mine || !events) return undefined;
      mine.later(0, () => events.onSnapshot(call));
      return mine;
    },
    tick() {
      if (!isAwake()) return;
      ticks += 1;
      surroundings!.tick();
    },
    propose: async (data) => (isAwake() ? running!.host!.propose(data) : { outcome: "unknown" }),
    read: async () => (isAwake() ? running!.host!.readBarrier() : { outcome: "no-leader" }),
    drive(action) {
      if (!isAwake()) return;
      action(running!);
      // The host does what the core now wants done.
      surroundings!.events()!.onMessages([]);
    },
    entryAt(index) {
      const unstable = running?.core.unstable() ?? [];
      const first = unstable[0]?.index ?? Infinity;
      return index >= first ? unstable[index - first] : member.held().entry(index);
    },
    termAt: (index) => member.entryAt(index)?.term ?? member.held().term(index),
  };
  return member;
}
