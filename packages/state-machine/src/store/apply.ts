import { createHash } from "node:crypto";
import { decodeEntry } from "./entry.js";
import type { RestoreEntry, WriteSet } from "./entry.js";
import type { LogIndex } from "./replicated-log.js";
import { META_KEY, STAGED_KEY, decodeStaged, encodeMeta, encodeStaged, encodeStored, epochPrefix } from "./state-layout.js";
import type { StagedRestore, StateMeta } from "./state-layout.js";

/** An entry as consensus hands it over. `config` and `noop` only move the applied index. */
export interface CommittedEntry {
  readonly index: LogIndex;
  readonly term: number;
  readonly kind: "normal" | "config" | "noop";
  readonly data: Uint8Array;
}

export interface EntryOutcome {
  /** `conflict`: the whole state was replaced since it was evaluated (or its restore was not in order); it changed nothing. */
  readonly result: "applied" | "conflict";
  /** Storage keys that were put or deleted. */
  readonly keys: readonly string[];
  /** The whole state was replaced. */
  readonly reset: boolean;
}

/** A group's effects, to be written as one batch: a value, or null for a deletion. */
export interface GroupEffects {
  readonly meta: StateMeta;
  readonly changes: ReadonlyMap<string, Uint8Array | null>;
  readonly outcomes: readonly EntryOutcome[];
  /** An epoch was left behind: its keys can be cleared. */
  readonly sweep: boolean;
}

const NO_KEYS: readonly string[] = Object.freeze([]);
const CONFLICT: EntryOutcome = Object.freeze({ result: "conflict", keys: NO_KEYS, reset: false });
const UNCHANGED: EntryOutcome = Object.freeze({ result: "applied", keys: NO_KEYS, reset: false });
const RESET: EntryOutcome = Object.freeze({ result: "applied", keys: NO_KEYS, reset: true });
/** The digest of a restore before its first chunk. */
export const EMPTY_DIGEST: Uint8Array = new Uint8Array(32);

export function nextDigest(digest: Uint8Array, chunk: Uint8Array): Uint8Array {
  return createHash("sha256").update(digest).update(chunk).digest();
}

/** What applying one entry may touch. `read` sees the effects of the group's earlier entries. */
interface Scratch {
  meta: StateMeta;
  sweep: boolean;
  prefix: string;
  readonly read: (physicalKey: string) => Uint8Array | undefined;
  readonly change: (physicalKey: string, value: Uint8Array | null) => void;
}

/**
 * What a group of entries does to a state: the one truth for every kind of replica. Pure but for `readState`, and
 * deterministic: every replica gets the same outcomes. Throws StateFormatError for an entry it does not know, and an Error
 * for a gap in the log; then nothing of the group may be written and the node must stop.
 */
export function applyGroup(meta: StateMeta, readState: (physicalKey: string) => Uint8Array | undefined, group: readonly CommittedEntry[]): GroupEffects {
  const changes = new Map<string, Uint8Array | null>();
  const scratch: Scratch = {
    meta,
    sweep: false,
    prefix: epochPrefix(meta.epoch),
    read: (key) => {
      const changed = changes.get(key);
      return changed === undefined ? readState(key) : (changed ?? undefined);
    },
    change: (key, value) => void changes.set(key, value),
  };
  const outcomes = group.map((entry) => {
    if (entry.index !== scratch.meta.index + 1) throw new Error(`log entry ${entry.index} does not follow ${scratch.meta.index}`);
    const outcome = entry.kind === "normal" ? applyNormal(scratch, entry) : UNCHANGED;
    scratch.meta = { ...scratch.meta, index: entry.index, term: entry.term };
    return outcome;
  });
  changes.set(META_KEY, encodeMeta(scratch.meta));
  return { meta: scratch.meta, changes, outcomes, sweep: scratch.sweep };
}

function applyNormal(scratch: Scratch, { index, data }: CommittedEntry): EntryOutcome {
  const entry = decodeEntry(data);
  if (entry.kind === "write") return applyWriteSet(scratch, index, entry);
  return applyRestore(scratch, index, entry, data);
}

function applyWriteSet(scratch: Scratch, index: LogIndex, entry: WriteSet): EntryOutcome {
  if (entry.base < scratch.meta.flippedAt) return CONFLICT;
  const keys: string[] = [];
  for (const [key, value] of entry.puts) {
    scratch.change(scratch.prefix + key, encodeStored(index, value));
    keys.push(key);
  }
  for (const key of entry.deletes) {
    scratch.change(scratch.prefix + key, null);
    keys.push(key);
  }
  return { result: "applied", keys, reset: false };
}

function applyRestore(scratch: Scratch, index: LogIndex, entry: RestoreEntry, data: Uint8Array): EntryOutcome {
  const { meta } = scratch;
  const record = scratch.read(STAGED_KEY);
  const staged = record && decodeStaged(record);
  if (entry.kind === "restore-begin") {
    stage(scratch, { id: entry.id, epoch: meta.nextEpoch, chunks: 0, digest: EMPTY_DIGEST });
    scratch.meta = { ...meta, nextEpoch: meta.nextEpoch + 1 };
    scratch.sweep ||= staged !== undefined;
    return UNCHANGED;
  }
  if (staged?.id !== entry.id) return CONFLICT;
  if (entry.kind === "restore-chunk") {
    if (entry.seq !== staged.chunks) return CONFLICT;
    const prefix = epochPrefix(staged.epoch);
    for (const [key, value] of entry.records) scratch.change(prefix + key, encodeStored(index, value));
    stage(scratch, { ...staged, chunks: staged.chunks + 1, digest: nextDigest(staged.digest, data) });
    return UNCHANGED;
  }
  if (entry.chunks !== staged.chunks || Buffer.compare(entry.digest, staged.digest) !== 0) return CONFLICT;
  scratch.change(STAGED_KEY, null);
  scratch.meta = { ...meta, epoch: staged.epoch, flippedAt: index };
  scratch.prefix = epochPrefix(staged.epoch);
  scratch.sweep = true;
  return RESET;
}

function stage(scratch: Scratch, staged: StagedRestore): void {
  scratch.change(STAGED_KEY, encodeStaged(staged));
}
