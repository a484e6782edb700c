import { Transform, finished } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { RequestError, invalid } from "@coffer/state-machine";
import { extract } from "tar-stream";
import type { Extract } from "tar-stream";
import { ARCHIVE_OVERHEAD_BYTES, SMALL_MEMBER_BYTES, STATE_BYTES } from "./limits.js";
import { decodeMeta } from "./meta.js";
import type { SnapshotFileMeta } from "./meta.js";
import { openSpool } from "./spool.js";
import type { Spool } from "./spool.js";
import { checkSums, sha256 } from "./sums.js";

/** A snapshot file that was read to its end and found whole. Whose it is, only the sealed sums tell. */
export interface SnapshotFile {
  readonly meta: SnapshotFileMeta;
  /** In bytes. */
  readonly stateSize: number;
  /** SHA256SUMS as it stands in the file, for comparison with what `sealedSums` opens to. */
  readonly sums: Uint8Array;
  readonly sealedSums: Uint8Array;
  /** From the beginning, each time it is called. Not after `dispose`. */
  state(): AsyncIterable<Uint8Array>;
  /** Frees the disk space. A second call does nothing. */
  dispose(): Promise<void>;
}

const STATE = "state.bin";
const SMALL = ["meta.json", "SHA256SUMS", "SHA256SUMS.sealed"] as const;
type Small = (typeof SMALL)[number];

/**
 * Reads a snapshot file, of which nothing is trusted. Throws RequestError: `invalid_request` for a file that is damaged,
 * cut short, not a snapshot, or holds more than `maxStateBytes` of state; `internal` when the disk fails. Then nothing of
 * it is left. `stream` is never destroyed, so that a request can still be answered; after a refusal it is paused.
 */
export async function readSnapshotFile(stream: Readable, spoolDirectory: string, maxStateBytes: number = STATE_BYTES): Promise<SnapshotFile> {
  const spool = await openSpool(spoolDirectory);
  try {
    const small = await unpack(stream, spool, maxStateBytes);
    checkSums(small["SHA256SUMS"], new Map([["meta.json", sha256(small["meta.json"])], [STATE, spool.sha256()]]));
    const meta = decodeMeta(small["meta.json"], spool.size());
    return { meta, stateSize: spool.size(), sums: small["SHA256SUMS"], sealedSums: small["SHA256SUMS.sealed"], state: () => spool.read(), dispose: () => spool.close() };
  } catch (error) {
    await spool.close();
    throw error;
  }
}

async function unpack(stream: Readable, spool: Spool, maxStateBytes: number): Promise<Readonly<Record<Small, Uint8Array>>> {
  const gunzip = createGunzip();
  const archive = extract();
  let received = 0;
  const source = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      received += chunk.length;
      done(null, chunk);
    },
  });
  // Not part of the pipeline, which would destroy a request's stream, and its connection, before the refusal is out.
  stream.pipe(source);
  finished(stream, { writable: false }, (error) => error && source.destroy(error));
  const [piped, collected] = await Promise.allSettled([
    pipeline(source, gunzip, bounded(maxStateBytes + SMALL.length * SMALL_MEMBER_BYTES + ARCHIVE_OVERHEAD_BYTES), archive),
    collect(archive, spool, maxStateBytes),
  ]);
  // One takes the other down with it; the refusal in our own words is the cause.
  const reasons = [collected, piped].flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  const refusal = reasons.find((reason) => reason instanceof RequestError);
  if (refusal) throw refusal;
  if (piped.status === "rejected") throw invalid(explain(piped.reason));
  if (collected.status === "rejected") throw invalid(explain(collected.reason));
  // zlib ignores what follows the end of a gzip file.
  if (gunzip.bytesWritten !== received) throw invalid("the snapshot file has bytes after its end");
  return collected.value;
}

function explain(reason: unknown): string {
  const code = (reason as NodeJS.ErrnoException).code ?? "";
  if (code === "Z_BUF_ERROR") return "the snapshot file is cut short";
  if (code.startsWith("Z_")) return "the snapshot file is not a sound gzip file";
  if (code !== "") return "the snapshot could not be read to its end";
  return "the snapshot file is not a sound tar archive";
}

/** Passes no more than so many bytes on: a small file can inflate to any size. */
function bounded(limit: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      passed += chunk.length;
      if (passed > limit) done(invalid("the snapshot file is larger than allowed"));
      else done(null, chunk);
    },
  });
}

async function collect(archive: Extract, spool: Spool, maxStateBytes: number): Promise<Readonly<Record<Small, Uint8Array>>> {
  const small = new Map<Small, Uint8Array>();
  let hasState = false;
  for await (const entry of archive) {
    const { name, type, size = 0 } = entry.header;
    const member = SMALL.find((known) => known === name);
    if ((member === undefined && name !== STATE) || type !== "file") throw invalid(`unexpected member ${JSON.stringify(name.slice(0, 100))} in the snapshot file`);
    if (member ? small.has(member) : hasState) throw invalid(`the snapshot file has ${name} twice`);
    if (size > (member ? SMALL_MEMBER_BYTES : maxStateBytes)) throw invalid(`the snapshot's ${name} is larger than allowed`);
    if (member) small.set(member, await bytesOf(entry));
    else {
      hasState = true;
      for await (const chunk of entry) await spool.append(chunk as Uint8Array);
    }
  }
  const members = Object.fromEntries(SMALL.map((name) => [name, small.get(name) ?? missing(name)])) as Record<Small, Uint8Array>;
  if (!hasState) missing(STATE);
  if (members["SHA256SUMS.sealed"].length === 0) throw invalid("the snapshot's SHA256SUMS.sealed is empty");
  return members;
}

function missing(name: string): never {
  throw invalid(`the snapshot file has no ${name}`);
}

async function bytesOf(entry: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
