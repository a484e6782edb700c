import { EMPTY_DIGEST, nextDigest } from "../store/apply.js";
import type { CommittedEntry } from "../store/apply.js";
import { decodeEntry, encodeEntry } from "../store/entry.js";
import type { EntryRecord } from "../store/entry.js";
import { encodeStored } from "../store/state-layout.js";
import type { Chance } from "./chance.js";

/** Keys that are written again and again. */
const KEYS = 12;
/** Evaluated after whatever replaced the state last. */
const LATE = 2 ** 40;

const key = (chance: Chance) => `logical/${chance.int(1, KEYS)}`;
const record = (n: number, chance: Chance): EntryRecord => [key(chance), Buffer.from(`w${n}`.repeat(chance.int(1, 4)))];

/** Entries unlike each other: write sets, and now and then a restore of the whole state, in its pieces and perhaps broken off. */
export function createWorkload(): (n: number, chance: Chance) => Uint8Array {
  let restore: Uint8Array[] = [];

  function beginRestore(n: number, chance: Chance): void {
    const id = `r${n}`;
    const chunks = Array.from({ length: chance.int(0, 2) }, (_, seq) => encodeEntry({ kind: "restore-chunk", id, seq, records: [record(n, chance)] }));
    const digest = chunks.reduce((before, chunk) => nextDigest(before, chunk), EMPTY_DIGEST);
    restore = [encodeEntry({ kind: "restore-begin", id }), ...chunks, encodeEntry({ kind: "restore-commit", id, chunks: chunks.length, digest })];
  }

  return (n, chance) => {
    if (restore.length === 0 && chance.chance(0.03)) beginRestore(n, chance);
    if (restore.length > 0 && chance.chance(0.7)) return restore.shift()!;
    const puts = Array.from({ length: chance.int(1, 3) }, () => record(n, chance));
    return encodeEntry({ kind: "write", base: chance.chance(0.1) ? 0 : LATE, puts, deletes: chance.chance(0.3) ? [key(chance)] : [] });
  };
}

/** Of a state's keys (without what tells epochs apart) and stored values. */
export function digestOf(content: ReadonlyMap<string, Uint8Array>): number {
  let digest = 0;
  for (const [name, value] of [...content].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const byte of Buffer.from(name)) digest = Math.imul(digest ^ byte, 0x01000193);
    for (const byte of value) digest = Math.imul(digest ^ byte, 0x01000193);
  }
  return digest >>> 0;
}

/** What the entries make of a state, told a second time, so that a mistake in the store is not shared. */
export function createModel(): { apply(entry: CommittedEntry): number } {
  let content = new Map<string, Uint8Array>();
  let staged: { readonly id: string; readonly content: Map<string, Uint8Array>; chunks: number; digest: Uint8Array } | undefined;
  let replacedAt = 0;

  function take({ index, data }: CommittedEntry): void {
    const entry = decodeEntry(data);
    switch (entry.kind) {
      case "write":
        if (entry.base < replacedAt) return;
        for (const [name, value] of entry.puts) content.set(name, encodeStored(index, value));
        for (const name of entry.deletes) content.delete(name);
        return;
      case "restore-begin":
        staged = { id: entry.id, content: new Map(), chunks: 0, digest: EMPTY_DIGEST };
        return;
      case "restore-chunk":
        if (staged?.id !== entry.id || staged.chunks !== entry.seq) return;
        for (const [name, value] of entry.records) staged.content.set(name, encodeStored(index, value));
        staged.chunks += 1;
        staged.digest = nextDigest(staged.digest, data);
        return;
      case "restore-commit":
        if (staged?.id !== entry.id || staged.chunks !== entry.chunks || Buffer.compare(staged.digest, entry.digest) !== 0) return;
        content = staged.content;
        staged = undefined;
        replacedAt = index;
    }
  }

  return {
    apply(entry) {
      if (entry.kind === "normal") take(entry);
      return digestOf(content);
    },
  };
}
