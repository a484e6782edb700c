import type { Configuration, Entry, LogIndex, Term } from "../core/types.js";
import { encodeConfiguration } from "../core/configuration.js";
import type { CompactionPoint, DurableLog } from "../log/durable-log.js";
import { decodeMeta, decodeRecord, encodeMeta, encodeRecord, entryKey } from "../log/record.js";

/** What a member has in its log for certain, whether it runs or not. */
export interface HeldLog {
  readonly compacted: () => LogIndex;
  readonly term: (index: LogIndex) => Term | undefined;
  readonly entry: (index: LogIndex) => Entry | undefined;
}

/** Keys and records as they lie in a simulated database. */
export type Records = Map<string, Uint8Array>;

export const keyText = (key: Uint8Array) => Buffer.from(key).toString("hex");
const HARD_STATE = keyText(Buffer.from("h"));
const COMPACTION = keyText(Buffer.from("c"));
const textOf = (index: LogIndex) => keyText(entryKey(index));

export function heldBy(log: DurableLog): HeldLog {
  return { compacted: () => log.compaction.index, term: log.term, entry: (index) => log.entries(index, index + 1, 1)?.[0] };
}

/** Of a member that does not run. */
export function heldIn(records: Records): HeldLog {
  const compaction = records.get(COMPACTION);
  const point = compaction ? decodeMeta<CompactionPoint>("compaction point", compaction) : { index: 0, term: 0 };
  const entry = (index: LogIndex) => {
    const record = index > point.index ? records.get(textOf(index)) : undefined;
    return record && decodeRecord(index, record);
  };
  return { compacted: () => point.index, term: (index) => (index === point.index ? point.term : entry(index)?.term), entry };
}

export function durableTerm(records: Records): Term {
  const record = records.get(HARD_STATE);
  return record ? decodeMeta<{ term: Term }>("hard state", record).term : 0;
}

/** The first entry of a cluster that begins with these servers. */
export function found(records: Records, configuration: Configuration): void {
  records.set(HARD_STATE, encodeMeta({ term: 1, commit: 1 }));
  records.set(textOf(1), encodeRecord({ index: 1, term: 1, kind: "config", data: encodeConfiguration(configuration) }));
}

export function forgetVote(records: Records): void {
  const record = records.get(HARD_STATE);
  if (record) records.set(HARD_STATE, encodeMeta({ ...decodeMeta<object>("hard state", record), vote: undefined }));
}

export function loseLastEntries(records: Records): void {
  const keys = [...records.keys()].filter((key) => key.length > 2).sort();
  for (const key of keys.slice(-2)) records.delete(key);
}

/** Keys of what a start reads. */
export function keysInUse(records: Records): string[] {
  const held = heldIn(records);
  return [...records.keys()].filter((key) => key.length === 2 || Number.parseInt(key.slice(2), 16) > held.compacted());
}
