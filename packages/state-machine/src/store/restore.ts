import { EMPTY_DIGEST, nextDigest } from "./apply.js";
import { encodeEntry } from "./entry.js";
import type { EntryRecord } from "./entry.js";
import { decodeMeta, decodeStored, epochPrefix } from "./state-layout.js";
import { readSnapshot } from "./snapshot-stream.js";

/** Bytes of keys and values in one entry of a restore. */
const RESTORE_CHUNK_BYTES = 512 * 1024;

/**
 * The log entries that replace the whole state by `records`: propose each in turn, and stop if one is not applied (an
 * interrupted restore changes nothing, and the next one drops it). The last one is the switch.
 */
export async function* restoreEntries(id: string, records: AsyncIterable<EntryRecord> | Iterable<EntryRecord>): AsyncGenerator<Uint8Array, void, undefined> {
  yield encodeEntry({ kind: "restore-begin", id });
  let digest = EMPTY_DIGEST;
  let chunks = 0;
  let waiting: EntryRecord[] = [];
  let size = 0;
  const cut = () => {
    const entry = encodeEntry({ kind: "restore-chunk", id, seq: chunks++, records: waiting });
    digest = nextDigest(digest, entry);
    waiting = [];
    size = 0;
    return entry;
  };
  for await (const record of records) {
    waiting.push(record);
    size += record[0].length + record[1].length;
    if (size >= RESTORE_CHUNK_BYTES) yield cut();
  }
  if (waiting.length > 0) yield cut();
  yield encodeEntry({ kind: "restore-commit", id, chunks, digest });
}

/** The keys and stored values in a snapshot's stream. Throws StateFormatError when it is damaged, at the latest at its end. */
export async function* snapshotRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<EntryRecord, void, undefined> {
  let prefix = "";
  const records = readSnapshot(chunks, (header) => {
    prefix = epochPrefix(decodeMeta(header.meta).epoch);
  });
  for await (const [key, stored] of records) {
    // Not the rest: a restore that was under way when the snapshot was taken.
    if (key.startsWith(prefix)) yield [key.slice(prefix.length), decodeStored(stored).sealed];
  }
}
