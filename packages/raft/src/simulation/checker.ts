import { encodeConfiguration } from "../core/configuration.js";
import { majority, voters } from "../core/quorum.js";
import type { Configuration, Entry, LogIndex, NodeId, Term } from "../core/types.js";
import type { Member } from "./member.js";
import type { StatePoint } from "./state.js";

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

/** Sees everything and remembers what may never change: what the protocol promises, checked from outside after every step. */
export interface Checker {
  bootstrapEntry(configuration: Configuration): Entry;
  elected(member: Member, term: Term): void;
  /** Entries of a member are durable. */
  written(member: Member, entries: readonly Entry[]): void;
  applied(member: Member, points: readonly StatePoint[]): void;
  /** Looks at how far a member believes the log to be committed. */
  watch(member: Member): void;
  acknowledged(index: LogIndex, data: string): void;
  /** The proposer was told that this will certainly never be applied. */
  denied(data: string): void;
  /** Highest index that a client was told of: every later read must see it. */
  floor(): LogIndex;
  read(index: LogIndex, floor: LogIndex): void;
  isCommitted(data: string): boolean;
  readonly counts: { committed: number; elections: number; acknowledged: number; reads: number; installs: number };
}

const textOf = (entry: Entry) => `${entry.kind}:${Buffer.from(entry.data).toString()}`;

export function createChecker(members: () => readonly Member[]): Checker {
  const leaders = new Map<Term, NodeId>();
  /** By index and term: an entry's text and the term before it. Log matching follows from it by induction. */
  const entries = new Map<string, string>();
  const committed = new Map<LogIndex, Committed>();
  const committedData = new Set<string>();
  const denied = new Set<string>();
  const digests = new Map<LogIndex, number>();
  let last = 0;
  let floor = 0;
  const counts = { committed: 0, elections: 0, acknowledged: 0, reads: 0, installs: 0 };

  function check(holds: boolean, what: () => string): void {
    if (!holds) throw new Violation(what());
  }

  function textAt(member: Member, index: LogIndex): string {
    const entry = member.running()?.core.unstable().find((one) => one.index === index) ?? member.disk.entries(index, index + 1, 1)?.[0];
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
    const ids = voters(status.configuration);
    const holders = members().filter((one) => ids.includes(one.id) && (one.disk.term(index) === term || one.disk.compaction.index > index));
    check(holders.length >= majority(ids.length), () => `durability: entry ${index} of term ${term} counts as committed, but only ${holders.map((one) => one.id).join()} of ${ids.join()} hold it on disk`);
    const data = textAt(member, index);
    check(!denied.has(data), () => `a write that was refused for certain is committed at ${index}`);
    committed.set(index, { term, inTerm: status.term, data });
    committedData.add(data);
    last = Math.max(last, index);
    counts.committed += 1;
  }

  return {
    counts,
    bootstrapEntry: (configuration) => ({ index: 1, term: 1, kind: "config", data: encodeConfiguration(configuration) }),
    elected(member, term) {
      counts.elections += 1;
      const other = leaders.get(term);
      check(other === undefined || other === member.id, () => `two leaders in term ${term}: ${other} and ${member.id}`);
      leaders.set(term, member.id);
      for (let index = member.disk.firstIndex(); index <= last; index++) {
        const known = committed.get(index);
        check(!known || known.inTerm > term || member.termAt(index) === known.term, () => `leader completeness: ${member.id} leads term ${term} without entry ${index} of term ${known?.term}`);
      }
    },
    written(member, added) {
      for (const entry of added) {
        const before = member.disk.term(entry.index - 1);
        if (before === undefined) continue;
        const text = `${before}>${textOf(entry)}`;
        const known = entries.get(`${entry.index}/${entry.term}`) ?? text;
        check(known === text, () => `log matching: entry ${entry.index} of term ${entry.term} differs between members`);
        entries.set(`${entry.index}/${entry.term}`, text);
      }
    },
    applied(member, points) {
      for (const { index, digest } of points) {
        check((digests.get(index) ?? digest) === digest, () => `state-machine safety: the state of ${member.id} at ${index} differs`);
        digests.set(index, digest);
      }
    },
    watch(member) {
      const running = member.running();
      if (!running) return;
      const { commitIndex } = running.core.status();
      for (let index = running.checkedCommit + 1; index <= commitIndex; index++) commit(member, index);
      running.checkedCommit = Math.max(running.checkedCommit, commitIndex);
    },
    acknowledged(index, data) {
      counts.acknowledged += 1;
      check(committed.get(index)?.data === data, () => `the write acknowledged at ${index} is not committed there`);
      floor = Math.max(floor, index);
    },
    denied(data) {
      denied.add(data);
      check(!committedData.has(data), () => "a write that was refused for certain had been committed");
    },
    floor: () => floor,
    read(index, floorBefore) {
      counts.reads += 1;
      check(index >= floorBefore, () => `stale read: at ${index}, after a write was acknowledged at ${floorBefore}`);
    },
    isCommitted: (data) => committedData.has(data),
  };
}
