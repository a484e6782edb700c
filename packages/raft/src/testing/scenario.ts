import { createCore } from "../core/core.js";
import type { RaftCore } from "../core/api.js";
import { encodeConfiguration } from "../core/configuration.js";
import type { Configuration, LogIndex, Message, NodeId, Ready, SnapshotMeta, Term } from "../core/types.js";
import { readAppliedConfigurations } from "../host/applied-configurations.js";
import type { AppliedConfigurations } from "../host/applied-configurations.js";
import { createDisk } from "./disk.js";
import type { Disk } from "./disk.js";
import { rested } from "./rested.js";
import { tellConfiguration, tellEntry, tellMessage } from "./telling.js";

export interface Actor {
  readonly id: NodeId;
  readonly disk: Disk;
  core: RaftCore;
  configurations: AppliedConfigurations;
  applied: { index: LogIndex; term: Term };
  told: { commit: LogIndex; configuration: string };
}

/** Cores without clock or network of their own: a script says what happens, the stage tells what every one of them says. */
export interface Stage {
  actor(id: NodeId): Actor;
  /** Servers that begin with this configuration, committed. */
  found(configuration: Configuration): void;
  /** A server with an empty disk. */
  blank(id: NodeId): void;
  restart(id: NodeId): void;
  compact(id: NodeId, index: LogIndex): void;
  /** Does what the cores want done; their messages wait. */
  work(): void;
  /** Delivers what waits, and what follows from it. `link`: only from one to the other, once, without what follows. */
  deliver(link?: { readonly from: NodeId; readonly to: NodeId }): void;
  cut(one: NodeId, other: NodeId): void;
  heal(): void;
  drop(): void;
  /** Servers started from now on answer reads by a lease, by a clock that only `pass` moves. */
  lease(): void;
  pass(time: number): void;
  /** What was said since the last call. `brief`: without the messages. */
  take(brief: boolean): string[];
}

const MANY_ROUNDS = 200;
const ELECTION_TICKS = 10;

export function createStage(): Stage {
  const actors = new Map<NodeId, Actor>();
  const cuts = new Set<string>();
  let waiting: Message[] = [];
  let hasLease = false;
  let time = 0;
  let lines: { text: string; isMessage: boolean }[] = [];
  const say = (text: string, isMessage = false) => void lines.push({ text, isMessage });
  const metaOf = ({ applied, configurations }: Actor): SnapshotMeta => ({ ...applied, ...configurations.at(applied.index) });

  function actor(id: NodeId): Actor {
    const found = actors.get(id);
    if (!found) throw new Error(`there is no server ${id}`);
    return found;
  }

  function start(id: NodeId, disk: Disk): Actor {
    const configurations = readAppliedConfigurations(disk, disk.compaction.index);
    const applied = { index: disk.compaction.index, term: disk.compaction.term };
    const log = { firstIndex: disk.firstIndex, lastIndex: disk.lastIndex, term: disk.term, entries: disk.entries, snapshotMeta: () => metaOf(one) };
    const core = createCore({
      id, log, electionTicks: ELECTION_TICKS, tickLength: 1, heartbeatTicks: 2, maxInflightMessages: 8, maxInflightBytes: 1 << 20, maxEntriesBytesPerMessage: 1 << 20, reluctanceFactor: 5, random: () => 0,
      ...(hasLease && { lease: { now: () => time, drift: 0.1 } }),
      hardState: disk.hardState, ...configurations.at(applied.index), appliedIndex: applied.index,
    });
    const one: Actor = { id, disk, core, configurations, applied, told: { commit: core.status().commitIndex, configuration: tellConfiguration(core.status().configuration) } };
    actors.set(id, one);
    return one;
  }

  function work(): void {
    for (const one of actors.values()) {
      while (one.core.hasReady()) act(one, one.core.ready());
      const { commitIndex, configuration } = one.core.status();
      const now = { commit: commitIndex, configuration: tellConfiguration(configuration) };
      if (now.configuration !== one.told.configuration) say(`${one.id} goes by ${now.configuration}`);
      if (now.commit !== one.told.commit) say(`${one.id} commits ${now.commit}`);
      one.told = now;
    }
  }

  function act(one: Actor, ready: Ready): void {
    const { id, core, disk } = one;
    if (ready.leadership) {
      const { role, leader, term } = ready.leadership;
      say(`${id} is ${role} in term ${term}${leader !== undefined && leader !== id ? ` of ${leader}` : ""}`);
    }
    for (const read of ready.reads) say(read.index === undefined ? `${id} cannot tell read ${read.id}` : `${id} answers read ${read.id} at ${read.index}`);
    disk.put({ hardState: ready.hardState, entries: ready.entries });
    for (const message of [...ready.messagesNow, ...ready.messagesAfterPersist]) {
      say(tellMessage(message), true);
      waiting.push(message);
    }
    const last = ready.entries.at(-1);
    if (last) core.persisted(last.index, last.term);
    const done = ready.committed.at(-1);
    if (done) {
      one.applied = { index: done.index, term: done.term };
      one.configurations.applied(ready.committed);
      core.applied(done.index);
    }
    if (ready.snapshot) install(one, ready.snapshot);
  }

  function install(one: Actor, meta: SnapshotMeta): void {
    say(`${one.id} installs the state at ${meta.index}/${meta.term} with ${tellConfiguration(meta.configuration)}`);
    one.disk.reset(meta);
    one.configurations.installed(meta);
    one.applied = { index: meta.index, term: meta.term };
    one.core.snapshotInstalled(meta.index);
  }

  const isCut = ({ from, to }: { readonly from: NodeId; readonly to: NodeId }) => cuts.has(`${from}>${to}`) || !actors.has(to);

  return {
    actor,
    work,
    found(configuration) {
      for (const { id } of configuration.servers) {
        const disk = createDisk();
        disk.put({ hardState: { term: 1, vote: undefined, commit: 1 }, entries: [{ index: 1, term: 1, kind: "config", data: encodeConfiguration(configuration) }] });
        rested(start(id, disk).core, ELECTION_TICKS);
      }
    },
    blank: (id) => void rested(start(id, createDisk()).core, ELECTION_TICKS),
    restart(id) {
      const { disk } = actor(id);
      waiting = waiting.filter(({ from }) => from !== id);
      start(id, disk);
    },
    compact(id, index) {
      const { disk, configurations } = actor(id);
      disk.compact({ index, term: disk.term(index)!, ...configurations.at(index) });
    },
    deliver(link) {
      work();
      for (let round = 0; waiting.length > 0; round++) {
        if (round > MANY_ROUNDS) throw new Error("they do not stop talking");
        const due = waiting.filter((message) => !link || (message.from === link.from && message.to === link.to));
        waiting = waiting.filter((message) => !due.includes(message));
        for (const message of due) if (!isCut(message)) actor(message.to).core.step(message);
        work();
        if (link) return;
      }
    },
    cut: (one, other) => void cuts.add(`${one}>${other}`),
    heal: () => cuts.clear(),
    drop: () => void (waiting = []),
    lease: () => void (hasLease = true),
    pass: (more) => void (time += more),
    take(brief) {
      const taken = lines.filter((line) => !brief || !line.isMessage).map((line) => line.text);
      lines = [];
      return taken;
    },
  };
}

/** What a server's log holds, an entry a line. */
export function tellLog({ disk }: Actor): string[] {
  const { index } = disk.compaction;
  const entries = disk.entries(disk.firstIndex(), disk.lastIndex() + 1, Infinity) ?? [];
  return [...(index > 0 ? [`up to ${index}/${disk.compaction.term} compacted`] : []), ...entries.map(tellEntry)];
}
