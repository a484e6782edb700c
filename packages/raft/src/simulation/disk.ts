import type { Entry, HardState, LogIndex, LogReader, SnapshotMeta, Term } from "../core/types.js";
import { invariant } from "../core/invariant.js";
import type { CompactionPoint } from "../log/durable-log.js";
import { DamagedLogError, decodeMeta, decodeRecord, encodeMeta, encodeRecord, entryKey } from "../log/record.js";
import type { Random } from "./random.js";

/**
 * The log on a simulated disk: records in the shipped encoding, written in batches of which a crash leaves all or nothing (the
 * promise of the database below the durable log), read back when the process starts.
 */
export interface Disk extends Omit<LogReader, "snapshotMeta"> {
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
  readonly expected: SnapshotMeta | undefined;
  /** Reads everything back, as a process that starts; throws DamagedLogError where a record is not what was written. */
  open(): void;
  /** Begins a write: it may or may not survive a crash until it is finished. */
  begin(write: () => void): void;
  /** The write that was begun is synced. */
  finish(): void;
  crash(): void;
  /** Spoils one record that is in use: a bit turned over, or its end torn off. False when there is none. */
  damage(): boolean;
  /** A new, empty disk. */
  wipe(): void;
  /** The writes themselves, for `begin`. */
  put(work: { readonly hardState: HardState | undefined; readonly entries: readonly Entry[] }): void;
  compact(point: CompactionPoint): void;
  expectSnapshot(meta: SnapshotMeta): void;
  reset(meta: SnapshotMeta): void;
}

/** How a disk may break its promise; the simulator must notice. */
export interface DiskBreakage {
  readonly forgetsVotes?: boolean;
  readonly losesSyncedEntries?: boolean;
  /** Overwriting an entry leaves those behind it. */
  readonly keepsTail?: boolean;
  /** Reads what is there without looking at the checksums. */
  readonly ignoresChecksums?: boolean;
}

interface Content {
  hardState: HardState;
  compaction: CompactionPoint;
  expected: SnapshotMeta | undefined;
  /** entries[i] has index compaction.index + 1 + i. */
  entries: Entry[];
}

const HARD_STATE = "h";
const COMPACTION = "c";
const EXPECTED = "s";
const keyOf = (index: LogIndex) => Buffer.from(entryKey(index)).toString("hex");

const emptyContent = (): Content => ({
  hardState: { term: 0, vote: undefined, commit: 0 },
  compaction: { index: 0, term: 0, configuration: { servers: [] }, configurationIndex: 0 },
  expected: undefined,
  entries: [],
});

export function createDisk(random: Random, breakage: DiskBreakage): Disk {
  const records = new Map<string, Uint8Array>();
  let content = emptyContent();
  let unfinished: (() => void) | undefined;

  const lastIndex = () => content.compaction.index + content.entries.length;
  const at = (index: LogIndex) => content.entries[index - content.compaction.index - 1];
  function term(index: LogIndex): Term | undefined {
    return index === content.compaction.index ? content.compaction.term : at(index)?.term;
  }

  function cutFrom(index: LogIndex): void {
    if (!breakage.keepsTail) for (let i = index; i <= lastIndex(); i++) records.delete(keyOf(i));
    content.entries.splice(index - content.compaction.index - 1);
  }

  function meta<T>(name: string, key: string): T | undefined {
    const bytes = records.get(key);
    return bytes && decodeMeta<T>(name, breakage.ignoresChecksums ? mended(bytes) : bytes);
  }

  function open(): void {
    const { hardState, compaction } = emptyContent();
    const saved = meta<HardState>("hard state", HARD_STATE) ?? hardState;
    const compacted = meta<CompactionPoint>("compaction point", COMPACTION) ?? compaction;
    const found: Content = {
      hardState: { term: saved.term, vote: saved.vote, commit: saved.commit, ...(saved.reach !== undefined && { reach: saved.reach }) },
      compaction: compacted,
      expected: meta<SnapshotMeta>("expected snapshot", EXPECTED),
      entries: [],
    };
    for (let index = compacted.index + 1; records.has(keyOf(index)); index++) {
      const bytes = records.get(keyOf(index))!;
      found.entries.push(breakage.ignoresChecksums ? uncheckedEntry(index, bytes) : decodeRecord(index, bytes));
    }
    content = found;
  }

  return {
    get hardState() {
      return content.hardState;
    },
    get compaction() {
      return content.compaction;
    },
    get expected() {
      return content.expected;
    },
    firstIndex: () => content.compaction.index + 1,
    lastIndex,
    term,
    entries(from, to, maxBytes) {
      if (from <= content.compaction.index) return undefined;
      const found: Entry[] = [];
      let bytes = 0;
      for (let index = from; index < to && index <= lastIndex(); index++) {
        bytes += at(index)!.data.length + 32;
        if (found.length > 0 && bytes > maxBytes) break;
        found.push(at(index)!);
      }
      return found;
    },
    open,
    begin: (write) => void (unfinished = write),
    finish() {
      unfinished?.();
      unfinished = undefined;
    },
    crash() {
      if (unfinished && random.chance(0.5)) unfinished();
      unfinished = undefined;
      if (breakage.forgetsVotes) records.set(HARD_STATE, encodeMeta({ ...content.hardState, vote: undefined }));
      if (breakage.losesSyncedEntries) cutFrom(Math.max(content.compaction.index + 1, lastIndex() - 1));
    },
    damage() {
      const keys = [...records.keys()].filter((one) => one.length === 1 || at(Number.parseInt(one.slice(2), 16)) !== undefined);
      if (keys.length === 0) return false;
      const key = random.pick(keys);
      const bytes = Uint8Array.from(records.get(key)!);
      if (random.chance(0.3)) records.set(key, bytes.subarray(0, random.int(0, bytes.length - 1)));
      else {
        bytes[random.int(0, bytes.length - 1)]! ^= 1 << random.int(0, 7);
        records.set(key, bytes);
      }
      return true;
    },
    wipe() {
      records.clear();
      content = emptyContent();
    },
    put({ hardState, entries }) {
      if (hardState) {
        content.hardState = hardState;
        records.set(HARD_STATE, encodeMeta(hardState));
      }
      const first = entries[0]?.index ?? lastIndex() + 1;
      invariant(first > content.compaction.index && first <= lastIndex() + 1, `entry ${first} does not follow entry ${lastIndex()}`);
      cutFrom(first);
      for (const entry of entries) {
        content.entries.push(entry);
        records.set(keyOf(entry.index), encodeRecord(entry));
      }
    },
    compact(point) {
      records.set(COMPACTION, encodeMeta(point));
      for (let index = content.compaction.index + 1; index <= point.index; index++) records.delete(keyOf(index));
      content.entries.splice(0, point.index - content.compaction.index);
      content.compaction = point;
    },
    expectSnapshot(snapshot) {
      content.expected = snapshot;
      records.set(EXPECTED, encodeMeta(snapshot));
    },
    reset({ index, term: itsTerm, configuration, configurationIndex }) {
      for (const key of [...records.keys()]) if (key !== HARD_STATE) records.delete(key);
      content = { ...emptyContent(), hardState: content.hardState, compaction: { index, term: itsTerm, configuration, configurationIndex } };
      records.set(COMPACTION, encodeMeta(content.compaction));
    },
  };
}

/** A record's checksum made to fit what is there. */
function mended(bytes: Uint8Array): Uint8Array {
  try {
    return encodeMeta(JSON.parse(Buffer.from(bytes.subarray(4)).toString()));
  } catch {
    throw new DamagedLogError("not JSON");
  }
}

function uncheckedEntry(index: LogIndex, bytes: Uint8Array): Entry {
  const record = Buffer.concat([bytes, Buffer.alloc(13)]);
  const kind = (["normal", "config", "noop"] as const)[record[12]!] ?? "normal";
  return { index, term: Number(record.readBigUInt64BE(4)), kind, data: bytes.subarray(13) };
}
