import { pipeline } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline as finished } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import { pack } from "tar-stream";
import type { Header, Pack } from "tar-stream";
import { SMALL_MEMBER_BYTES } from "./limits.js";
import { encodeMeta } from "./meta.js";
import type { SnapshotFileMeta } from "./meta.js";
import { openSpool } from "./spool.js";
import type { Spool } from "./spool.js";
import { encodeSums, sha256 } from "./sums.js";

export interface SnapshotFileInput {
  /** Without an id it becomes `<term>-<index>`. */
  readonly meta: Omit<SnapshotFileMeta, "id"> & { readonly id?: string };
  /** The state's bytes, already encrypted: they are stored as they come. */
  readonly state: AsyncIterable<Uint8Array>;
  /** Makes SHA256SUMS.sealed: what only a holder of this cluster's keys can make of the sums. */
  readonly seal: (sums: Uint8Array) => Uint8Array;
  /** Where the state waits while its size and checksum, which a tar names first, are found. */
  readonly spoolDirectory: string;
}

/**
 * Vault's snapshot container: a gzip'd tar of meta.json, state.bin, SHA256SUMS and SHA256SUMS.sealed, in this order. The
 * state has been read to its end when the promise resolves. The caller consumes the stream or destroys it: either frees
 * the spool.
 */
export async function writeSnapshotFile({ meta, state, seal, spoolDirectory }: SnapshotFileInput): Promise<Readable> {
  const spool = await openSpool(spoolDirectory);
  try {
    for await (const chunk of state) await spool.append(chunk);
    const metaBytes = encodeMeta({ ...meta, id: meta.id ?? `${meta.term}-${meta.index}` }, spool.size());
    const sums = encodeSums(new Map([["meta.json", sha256(metaBytes)], ["state.bin", spool.sha256()]]));
    const small = { "meta.json": metaBytes, "SHA256SUMS": sums, "SHA256SUMS.sealed": seal(sums) };
    for (const [name, bytes] of Object.entries(small)) {
      if (bytes.length === 0 || bytes.length > SMALL_MEMBER_BYTES) throw new Error(`${name} of a snapshot would have ${bytes.length} bytes; 1 to ${SMALL_MEMBER_BYTES} can be read again`);
    }
    return compressed(spool, small);
  } catch (error) {
    await spool.close();
    throw error;
  }
}

function compressed(spool: Spool, small: Readonly<Record<"meta.json" | "SHA256SUMS" | "SHA256SUMS.sealed", Uint8Array>>): Readable {
  const archive = pack();
  // The state is ciphertext, which does not shrink: more effort would only cost time.
  const output = createGzip({ level: constants.Z_BEST_SPEED });
  // A reader that goes away destroys `output`, and with it the archive; what failed in the archive reaches the reader.
  pipeline(archive, output, () => undefined);
  const fill = async () => {
    await addBytes(archive, "meta.json", small["meta.json"]);
    await finished(spool.read(), archive.entry(header("state.bin", spool.size())));
    await addBytes(archive, "SHA256SUMS", small["SHA256SUMS"]);
    await addBytes(archive, "SHA256SUMS.sealed", small["SHA256SUMS.sealed"]);
    archive.finalize();
  };
  void fill()
    .catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))))
    .finally(() => spool.close());
  return output;
}

function header(name: string, size: number): Partial<Header> & Pick<Header, "name"> {
  return { name, size, mode: 0o600, type: "file" };
}

function addBytes(archive: Pack, name: string, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header(name, bytes.length), Buffer.from(bytes), (error) => (error ? reject(error) : resolve()));
  });
}
