import { encodeConfiguration } from "../core/configuration.js";
import type { Configuration, Entry, LogIndex, NodeId, Term } from "../core/types.js";
import type { Member } from "./member.js";
import type { Model } from "./state.js";

/** A promise of the protocol did not hold. */
export class Violation extends Error {
  override readonly name = "Violation";
}

interface Committed {
  readonly term: Term;
  /** Term in which it was committed: leaders of later terms must have it. */
  readonly inTerm: Term;
  readonly data: string;
}

/** What happened in a run. */
export type Counts = Record<"committed" | "elections" | "acknowledged" | "reads" | "installs" | "changes" | "joint" | "transfers" | "damages" | "resumes" | "reapplied", number>;

export const newCounts = (): Counts => ({ committed: 0, elections: 0, acknowledged: 0, reads: 0, installs: 0, changes: 0, joint: 0, transfers: 0, damages: 0, resumes: 0, reapplied: 0 });

/** Sees everything and remembers what may never change: what the protocol promises, checked from outside after every step. */
export interface Checker {
  elected(member: Member, term: Term): void;
  /** Entries of a member are durable. */
  written(member: Member, entries: readonly Entry[]): void;
  /** A member begins to apply these; others may have before. */
  applying(group: readonly Entry[]): void;
  /** The state of a member stands at this index, and is this one. */
  reached(member: Member, index: LogIndex, digest: number): void;
  /** Looks at how far a member believes the log to be committed. */
  watch(member: Member): void;
  /** `floor`: what had been told to clients when the write was asked for. */
  acknowledged(index: LogIndex, data: string, floor: LogIndex): void;
  /** The proposer was told that this will certainly never be applied. */
  denied(data: string): void;
  /** Highest index that a client was told of: every operation begun from now on must come after it (linearizability). */
  floor(): LogIndex;
  read(index: LogIndex, floor: LogIndex): void;
  isCommitted(data: string): boolean;
  /** Anything else that happened, for the digest. */
  note(...numbers: readonly number[]): void;
  /** Of all that happened, in its order. */
  digest(): number;
  readonly counts: Counts;
}

/** The sets of servers of which each must hold a majority; told here once more, so that an error in the core is not shared. */
function majoritiesOf({ servers, outgoing }: Configuration): readonly (readonly NodeId[])[] {
  const voting = servers.filter(({ voter }) => voter).map(({ id }) => id);
  return outgoing ? [voting, outgoing.voters] : [voting];
}

const textOf = (entry: Entry) => `${entry.kind}:${Buffer.from(entry.data).toString()}`;

/** `fail` hears of what did not hold: whoever called may take the exception for a failure of its own. */
export function createChecker(members: () => readonly Member[], model: Model, fail: (violation: Violation) => void): Checker {
  const leaders = new Map<Term, NodeId>();
  /** By index and term: an entry's text and the term before it. Log matching follows from it by induction. */
  const entries = new Map<string, string>();
  const committed = new Map<LogIndex, Committed>();
  const committedData = new Set<string>();
  const denied = new Set<string>();
  /** Indexes of committed configurations, in their order. */
  const changes: LogIndex[] = [];
  /** Configurations in members' memory, and at what moment of their logs they were looked at last. */
  const seen = new WeakMap<Configuration, string>();
  /** Of the state that has applied so much. */
  const digests: number[] = [0];
  let last = 0;
  let floor = 0;
  const counts = newCounts();
  let digest = 0;
  const note = (...numbers: readonly number[]) => numbers.forEach((number) => void (digest = Math.imul(digest ^ number, 0x01000193) >>> 0));

  function check(holds: boolean, what: () => string): void {
    if (holds) return;
    const violation = new Violation(what());
    fail(violation);
    throw violation;
  }

  function textAt(member: Member, index: LogIndex): string {
    const entry = member.entryAt(index);
    return entry ? textOf(entry) : "";
  }

  function commit(member: Member, index: LogIndex): void {
    const term = member.termAt(index);
    if (term === undefined) return;
    const known = committed.get(index);
    if (known) {
      check(known.term === term, () => `state-machine safety: ${member.id} commits entry ${index} of term ${term}, term ${known.term} was committed there`);
      return;
    }
    const status = member.running()!.core.status();
    const holds = (id: NodeId) => members().some((one) => one.id === id && (one.held().term(index) === term || one.held().compacted() > index));
    for (const ids of majoritiesOf(status.configuration)) {
      const holders = ids.filter(holds);
      check(holders.length * 2 > ids.length, () => `durability: entry ${index} of term ${term} counts as committed, but only ${holders.join()} of ${ids.join()} hold it on disk`);
    }
    const data = textAt(member, index);
    check(!denied.has(data), () => `a write that was refused for certain is committed at ${index}`);
    check(!data.startsWith("normal:") || !committedData.has(data), () => `a write is committed twice, at ${index} again`);
    if (data.startsWith("config:")) changes.push(index);
    if (data.startsWith("config:")) counts[data.includes("outgoing") ? "joint" : "changes"] += 1;
    committed.set(index, { term, inTerm: status.term, data });
    committedData.add(data);
    last = Math.max(last, index);
    counts.committed += 1;
    note(index, term, ...Buffer.from(data));
  }

  /** A member goes by the newest configuration that its log holds, and never by an older one than what it knows to be committed. */
  function configurations(member: Member): void {
    const { configuration, configurationIndex, commitIndex, lastIndex } = member.running()!.core.status();
    const stamp = `${configurationIndex}/${commitIndex}/${lastIndex}`;
    if (seen.get(configuration) === stamp) return;
    seen.set(configuration, stamp);
    const known = committed.get(configurationIndex)?.data;
    const held = commitIndex >= configurationIndex && known !== undefined ? known : textAt(member, configurationIndex);
    const own = `config:${Buffer.from(encodeConfiguration(configuration)).toString()}`;
    check(held === "" || held === own, () => `${member.id} goes by a configuration that entry ${configurationIndex} does not hold`);
    check(configurationIndex <= lastIndex, () => `${member.id} goes by the configuration of entry ${configurationIndex}, its log ends at ${lastIndex}`);
    const newest = changes.findLast((index) => index <= commitIndex) ?? 0;
    check(configurationIndex >= newest, () => `${member.id} goes by the configuration of entry ${configurationIndex}, that of entry ${newest} is committed`);
  }

  return {
    counts,
    elected(member, term) {
      counts.elections += 1;
      note(term, members().indexOf(member));
      const other = leaders.get(term);
      check(other === undefined || other === member.id, () => `two leaders in term ${term}: ${other} and ${member.id}`);
      leaders.set(term, member.id);
      for (let index = member.held().compacted() + 1; index <= last; index++) {
        const known = committed.get(index);
        check(!known || known.inTerm > term || member.termAt(index) === known.term, () => `leader completeness: ${member.id} leads term ${term} without entry ${index} of term ${known?.term}`);
      }
    },
    written(member, added) {
      for (const entry of added) {
        const before = member.held().term(entry.index - 1);
        if (before === undefined) continue;
        const text = `${before}>${textOf(entry)}`;
        const known = entries.get(`${entry.index}/${entry.term}`) ?? text;
        check(known === text, () => `log matching: entry ${entry.index} of term ${entry.term} differs between members`);
        entries.set(`${entry.index}/${entry.term}`, text);
      }
    },
    applying(group) {
      for (const entry of group) if (entry.index === digests.length) digests.push(model.apply(entry));
    },
    reached(member, index, digest) {
      check(digests[index] === digest, () => `state-machine safety: the state of ${member.id} at ${index} is another than the entries make`);
    },
    watch(member) {
      const running = member.running();
      if (!running) return;
      const { commitIndex, role, term } = running.core.status();
      for (let index = running.checkedCommit + 1; index <= commitIndex; index++) commit(member, index);
      if (role === "leader" && commitIndex > running.checkedCommit) {
        const newest = member.termAt(commitIndex);
        check(newest === term, () => `figure 8: ${member.id} commits up to entry ${commitIndex} of term ${newest} in term ${term}`);
      }
      running.checkedCommit = Math.max(running.checkedCommit, commitIndex);
      configurations(member);
    },
    acknowledged(index, data, floorBefore) {
      counts.acknowledged += 1;
      check(index > floorBefore, () => `the write acknowledged at ${index} began after index ${floorBefore} was told to a client`);
      check(committed.get(index)?.data === data, () => `the write acknowledged at ${index} is not committed there`);
      floor = Math.max(floor, index);
    },
    denied(data) {
      denied.add(data);
      check(!committedData.has(data), () => "a write that was refused for certain had been committed");
    },
    floor: () => floor,
    note,
    read(index, floorBefore) {
      counts.reads += 1;
      note(index);
      check(index >= floorBefore, () => `stale read: at ${index}, begun after a client was told of ${floorBefore}`);
      check(index <= last, () => `read at ${index}, which is not committed`);
      // Whoever reads next must not go back behind what this reader saw.
      floor = Math.max(floor, index);
    },
    digest: () => digest,
    isCommitted: (data) => committedData.has(data),
  };
}
