import type { RaftCore } from "../core/api.js";
import type { Configuration, Entry, LogIndex, Message, NodeId, Ready, Term } from "../core/types.js";
import { readAppliedConfigurations } from "../host/applied-configurations.js";
import type { AppliedConfigurations } from "../host/applied-configurations.js";
import { snapshotToAdopt } from "../host/opening.js";
import { createPendingWrites } from "../host/pending-writes.js";
import type { PendingWrites, Work } from "../host/pending-writes.js";
import { createProposals } from "../host/proposals.js";
import type { Proposals } from "../host/proposals.js";
import { createReads } from "../host/reads.js";
import type { Reads } from "../host/reads.js";
import { DamagedLogError } from "../log/record.js";
import { createDisk } from "./disk.js";
import type { Disk } from "./disk.js";
import type { Port } from "./port.js";
import { createShipping, metaAt } from "./shipping.js";
import type { Arrival, Parcel } from "./shipping.js";
import { createState, ORIGIN } from "./state.js";
import type { State } from "./state.js";

/** Moments a tick; other durations are in moments too. */
export const TICK = 10;
/** What the host's millisecond timeouts see as one moment. */
const MOMENT_MS = 5;
export const ELECTION_TICKS = 8;
/** Clocks differ by no more, where there is a lease. */
const DRIFT = 0.2;
const TRAILING = 10;
const COMPACT_AFTER = 15;

/** What lives in memory; gone with a crash. */
export interface Running {
  readonly core: RaftCore;
  readonly pending: PendingWrites;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly configurations: AppliedConfigurations;
  writing: boolean;
  applying: boolean;
  compacting: boolean;
  readonly sendingTo: Set<NodeId>;
  arrival: Arrival | undefined;
  checkedCommit: LogIndex;
  /** The last term in which it was seen to lead. */
  electedIn: Term;
}

/** The shipped core on a simulated disk and state, driven as the host drives it and with the host's own parts. */
export interface Member {
  readonly id: NodeId;
  readonly disk: Disk;
  running(): Running | undefined;
  /** When its disk was spoilt: its log is not what was written, and it does not start. */
  damagedSince(): number | undefined;
  /** Lets the process stand still, as a garbage collection or SIGSTOP does. */
  pause(moments: number): void;
  start(): void;
  /** Whether its disk spoils a record meanwhile. */
  crash(spoilt?: boolean): void;
  /** The operator gives a damaged member an empty disk. */
  replaceDisk(): void;
  receive(message: Message): void;
  receiveParcel(parcel: Parcel, answer: (installed: boolean) => void): void;
  tick(): void;
  /** Runs something on the core and does what it then wants done. */
  drive(action: (running: Running) => void): void;
  /** Term of an entry as this member has it, durable or not. */
  termAt(index: LogIndex): Term | undefined;
}

export function createMember(id: NodeId, bootstrap: Configuration | undefined, port: Port): Member {
  const { clock, random, checker, breakage, createCore, leaseClock } = port;
  const disk = createDisk(random, breakage);
  const state: State = createState(random);
  let running: Running | undefined;
  let pausedUntil = 0;
  let ticks = 0;
  let damagedSince: number | undefined;
  if (bootstrap) disk.put({ hardState: { term: 1, vote: undefined, commit: 1 }, entries: [checker.bootstrapEntry(bootstrap)] });

  /** A job of this incarnation: forgotten with a crash, late during a pause. */
  function later(me: Running | undefined, delay: number, job: (me: Running) => void): void {
    clock.after(delay, function run() {
      if (running !== me || !me) return;
      if (pausedUntil > clock.now()) clock.after(pausedUntil - clock.now(), run);
      else job(me);
    });
  }

  function start(): void {
    if (running) return;
    try {
      disk.open();
      damagedSince = undefined;
    } catch (error) {
      if (error instanceof DamagedLogError && damagedSince !== undefined) return;
      throw error;
    }
    const adopted = snapshotToAdopt(disk, state.applied().index, state.applied().term);
    if (adopted) disk.reset(adopted);
    const { index: appliedIndex } = state.applied();
    const configurations = readAppliedConfigurations(disk, appliedIndex);
    const core = createCore({
      id, electionTicks: ELECTION_TICKS, heartbeatTicks: 2, tickLength: 1, maxInflightMessages: 4, maxInflightBytes: 1000, maxEntriesBytesPerMessage: 200, reluctanceFactor: 5,
      random: random.next,
      ...(leaseClock && { lease: { now: breakage.clockStops ? () => ticks : leaseClock, drift: DRIFT } }),
      log: {
        firstIndex: disk.firstIndex, lastIndex: disk.lastIndex, term: disk.term, entries: disk.entries,
        snapshotMeta: () => metaAt(state.applied(), configurations),
      },
      hardState: disk.hardState,
      ...configurations.at(appliedIndex),
      appliedIndex,
    });
    const nowMs = () => clock.now() * MOMENT_MS;
    running = {
      core, configurations,
      pending: createPendingWrites(),
      proposals: createProposals(nowMs, () => undefined),
      reads: createReads(nowMs, () => state.applied().index, () => later(running, 1, drain)),
      writing: false, applying: false, compacting: false, sendingTo: new Set(), arrival: undefined, checkedCommit: disk.compaction.index, electedIn: 0,
    };
    checker.written(member, disk.entries(disk.firstIndex(), disk.lastIndex() + 1, Infinity) ?? []);
    checker.watch(member);
  }

  function drain(me: Running): void {
    me.reads.ask(me.core);
    while (me.core.hasReady()) {
      act(me, me.core.ready());
      me.reads.ask(me.core);
    }
    checker.watch(member);
    tellElection(me);
  }

  /** An only voter leads at once, before its vote is on disk; until then nobody hears of it, and a crash undoes it. */
  function tellElection(me: Running): void {
    const { role, term } = me.core.status();
    if (role !== "leader" || term === me.electedIn || disk.hardState.term !== term) return;
    me.electedIn = term;
    checker.elected(member, term);
  }

  function act(me: Running, ready: Ready): void {
    if (ready.leadership && ready.leadership.role !== "leader") me.proposals.orphan();
    if (ready.leadership?.leader !== undefined) me.reads.retry();
    for (const read of ready.reads) me.reads.answered(read.id, read.index);
    if (ready.snapshot) shipping.install(me, ready.snapshot);
    if (ready.committed.length > 0) {
      me.applying = true;
      later(me, random.int(1, 15), () => applied(me, ready.committed));
    }
    send(me, me.pending.add(ready));
    if (breakage.answersBeforeSync) send(me, ready.messagesAfterPersist);
    write(me);
  }

  function send(me: Running, messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.type === "snapshot") shipping.send(me, message);
      else port.send(message);
    }
  }

  function write(me: Running): void {
    if (me.writing || me.pending.isEmpty()) return;
    const work = me.pending.take();
    me.writing = true;
    disk.begin(() => disk.put(work));
    later(me, random.int(1, 8), () => {
      disk.finish();
      me.writing = false;
      me.pending.written();
      checker.written(member, work.entries);
      reportPersisted(me, work);
      if (!breakage.answersBeforeSync) send(me, work.messages);
      drain(me);
      write(me);
    });
  }

  function reportPersisted({ core }: Running, { entries }: Work): void {
    const last = entries[entries.length - 1];
    if (last) core.persisted(last.index, last.term);
    // What this committed, it did in the configuration of this moment: the core may want the next at once.
    checker.watch(member);
  }

  function applied(me: Running, group: readonly Entry[]): void {
    const points = state.apply(group);
    me.applying = false;
    me.configurations.applied(group);
    checker.applied(member, points);
    me.core.applied(state.applied().index);
    for (const entry of group) me.proposals.settle(entry.index, entry.term, "applied");
    me.reads.applied(state.applied().index);
    compact(me);
    drain(me);
  }

  function compact(me: Running): void {
    if (me.compacting || me.writing || me.sendingTo.size > 0 || state.applied().index - disk.compaction.index < COMPACT_AFTER + TRAILING) return;
    me.compacting = true;
    const index = breakage.compactsUnflushed ? state.applied().index : state.flush() - TRAILING;
    later(me, random.int(1, 10), () => {
      me.compacting = false;
      const term = disk.term(index);
      if (term === undefined || index <= disk.compaction.index || me.sendingTo.size > 0) return;
      disk.compact({ index, term, ...me.configurations.at(index) });
      me.configurations.compacted(index);
    });
  }

  const member: Member = {
    id,
    disk,
    running: () => running,
    damagedSince: () => damagedSince,
    pause: (moments) => void (pausedUntil = clock.now() + moments),
    start,
    crash(spoilt = false) {
      running?.arrival?.answer(false);
      running?.proposals.abandon();
      running?.reads.abandon();
      running = undefined;
      pausedUntil = 0;
      disk.crash();
      if (spoilt && disk.damage()) {
        damagedSince = clock.now();
        checker.counts.damages += 1;
      }
      state.crash();
    },
    replaceDisk() {
      disk.wipe();
      state.install(ORIGIN);
      start();
    },
    receive: (message) => later(running, 0, (me) => {
      me.core.step(message);
      checker.watch(member);
      later(me, random.int(0, 1), drain);
    }),
    receiveParcel(parcel, answer) {
      if (running) shipping.receive(running, parcel, answer);
      else answer(false);
    },
    tick: () => {
      if (!running || pausedUntil > clock.now()) return;
      ticks += 1;
      running.core.tick();
      running.proposals.expire();
      running.reads.expire();
      drain(running);
    },
    drive(action) {
      if (!running || pausedUntil > clock.now()) return;
      action(running);
      later(running, 1, drain);
    },
    termAt(index) {
      const unstable = running?.core.unstable() ?? [];
      const first = unstable[0]?.index ?? Infinity;
      return index >= first ? unstable[index - first]?.term : disk.term(index);
    },
  };
  const shipping = createShipping({ ...port, id, disk, state, later, drain, installed: (points) => checker.applied(member, points) });
  return member;
}
