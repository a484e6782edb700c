import { randomUUID } from "node:crypto";
import { decodeEntry, encodeEntry, StateFormatError } from "@coffer/state-machine";
import type { EntryRecord, StateBackend, StateOperation } from "@coffer/state-machine";
import { getBlob, PART_MARK, putBlob } from "./blobs.js";
import type { ObjectStore } from "./object-store.js";

/**
 * A state as a log of its writes, in objects. `log/<number>` is one write, whole, and counts once it is there: nothing is ever in
 * the middle. Now and then the whole state is written as `checkpoint/<number>-<id>/…`, which counts once its `done` is there; the
 * log up to that number, and older checkpoints, go then. A start reads the newest checkpoint and the log behind it.
 */

const DIGITS = 16;
const LOG = "log/";
const CHECKPOINT = "checkpoint/";
const DONE = "/done";
/** One piece of a checkpoint. Bytes of keys and values. */
const PIECE_BYTES = 4 * 1024 * 1024;
const WRITES_BETWEEN_ATTEMPTS = 100;
const READS_AT_ONCE = 16;
/** A reader may meet the cleaning of the former owner's last checkpoint. */
const LOAD_ATTEMPTS = 3;

export interface ObjectLogLimits {
  /** A new checkpoint is due when the log is longer than the last one, and than this. Bytes. */
  readonly minLogBytes: number;
  readonly maxLogObjects: number;
}

const LIMITS: ObjectLogLimits = { minLogBytes: 16 * 1024 * 1024, maxLogObjects: 5000 };

interface Checkpoint {
  readonly number: number;
  /** `checkpoint/<number>-<id>` */
  readonly folder: string;
}

const padded = (number: number) => String(number).padStart(DIGITS, "0");
const numberIn = (name: string) => Number(name.slice(name.indexOf("/") + 1).slice(0, DIGITS));

export function createObjectLog(store: ObjectStore, limits: ObjectLogLimits = LIMITS): StateBackend {
  const id = randomUUID();
  /** Of the last write that is known to be there. */
  let last = 0;
  let logBytes = 0;
  let logObjects = 0;
  let checkpointBytes = 0;
  let notBefore = 0;

  async function read(name: string): Promise<Uint8Array> {
    const bytes = await getBlob(store, name);
    if (!bytes) throw new StateFormatError(`the object ${name} is missing`);
    return bytes;
  }

  async function newestCheckpoint(): Promise<Checkpoint | undefined> {
    const done = (await store.list(CHECKPOINT)).filter((name) => name.endsWith(DONE)).map((name) => name.slice(0, -DONE.length));
    const [folder] = done.sort((a, b) => numberIn(b) - numberIn(a));
    return folder === undefined ? undefined : { number: numberIn(folder), folder };
  }

  async function* records(checkpoint: Checkpoint | undefined): AsyncGenerator<StateOperation> {
    if (checkpoint) {
      const pieces = Number(Buffer.from(await read(checkpoint.folder + DONE)).toString());
      for await (const bytes of reading(Array.from({ length: pieces }, (_, i) => `${checkpoint.folder}/${i}`), read)) {
        checkpointBytes += bytes.length;
        yield* operationsOf(bytes);
      }
    }
    last = checkpoint?.number ?? 0;
    const names = (await store.list(LOG)).filter((name) => !name.includes(PART_MARK) && numberIn(name) > last);
    names.forEach((name, i) => {
      if (numberIn(name) !== last + 1 + i) throw new StateFormatError(`the log is incomplete: write ${last + 1 + i} is missing`);
    });
    for await (const bytes of reading(names, read)) {
      logBytes += bytes.length;
      logObjects += 1;
      last += 1;
      yield* operationsOf(bytes);
    }
  }

  /** In memory: a later write may replace or delete what an earlier one has put. */
  async function everything(): Promise<Map<string, Uint8Array>> {
    [last, logBytes, logObjects, checkpointBytes] = [0, 0, 0, 0];
    const state = new Map<string, Uint8Array>();
    for await (const operation of records(await newestCheckpoint())) {
      if (operation.type === "put") state.set(operation.key, operation.value);
      else state.delete(operation.key);
    }
    return state;
  }

  async function clean(before: number): Promise<void> {
    const old = [...(await store.list(LOG)).filter((name) => numberIn(name) <= before), ...(await store.list(CHECKPOINT)).filter((name) => numberIn(name) < before)];
    if (old.length > 0) await store.remove(old);
  }

  return {
    async *load() {
      for (let left = LOAD_ATTEMPTS; ; left--) {
        try {
          yield* await everything();
          return;
        } catch (error) {
          if (!(error instanceof StateFormatError) || left <= 1) throw error;
        }
      }
    },
    async write(operations) {
      const bytes = encoded(last + 1, operations);
      await putBlob(store, LOG + padded(last + 1), bytes, id);
      last += 1;
      logBytes += bytes.length;
      logObjects += 1;
    },
    isHeld: () => store.isHeld(),
    compaction: {
      isDue: () => logObjects >= notBefore && (logObjects >= limits.maxLogObjects || logBytes >= Math.max(limits.minLogBytes, checkpointBytes)),
      async run(all) {
        const number = last;
        const folder = `${CHECKPOINT}${padded(number)}-${id}`;
        const [bytesBefore, objectsBefore] = [logBytes, logObjects];
        // In case this one fails.
        notBefore = logObjects + WRITES_BETWEEN_ATTEMPTS;
        let [pieces, total] = [0, 0];
        for await (const records of piecesOf(all)) {
          const bytes = encoded(number, records);
          await putBlob(store, `${folder}/${pieces++}`, bytes, id);
          total += bytes.length;
        }
        await putBlob(store, folder + DONE, Buffer.from(String(pieces)), id);
        checkpointBytes = total;
        logBytes -= bytesBefore;
        logObjects -= objectsBefore;
        notBefore = 0;
        await clean(number);
      },
    },
    close: () => store.close(),
  };
}

function encoded(number: number, operations: readonly StateOperation[]): Uint8Array {
  const puts: EntryRecord[] = [];
  const deletes: string[] = [];
  for (const operation of operations) {
    if (operation.type === "put") puts.push([operation.key, operation.value]);
    else deletes.push(operation.key);
  }
  return encodeEntry({ kind: "write", base: number, puts, deletes });
}

function* operationsOf(bytes: Uint8Array): Generator<StateOperation> {
  const entry = decodeEntry(bytes);
  if (entry.kind !== "write") throw new StateFormatError("an object holds something else than a write");
  for (const [key, value] of entry.puts) yield { type: "put", key, value };
  for (const key of entry.deletes) yield { type: "del", key };
}

async function* piecesOf(all: AsyncIterable<EntryRecord>): AsyncGenerator<StateOperation[]> {
  let piece: StateOperation[] = [];
  let size = 0;
  for await (const [key, value] of all) {
    piece.push({ type: "put", key, value });
    size += key.length + value.length;
    if (size < PIECE_BYTES) continue;
    yield piece;
    piece = [];
    size = 0;
  }
  if (piece.length > 0) yield piece;
}

/** Several at once, in their order. */
async function* reading(names: readonly string[], read: (name: string) => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < names.length; from += READS_AT_ONCE) yield* await Promise.all(names.slice(from, from + READS_AT_ONCE).map(read));
}
