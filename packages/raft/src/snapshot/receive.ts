import { crc32 } from "node:zlib";
import type { WireSnapshotChunk } from "../transport/wire.js";

/** The state that arrives is not what was sent: the install fails, the old state stays. */
export class DamagedSnapshotError extends Error {
  override readonly name = "DamagedSnapshotError";
}

/** The data of a snapshot stream after its header; throws when a piece is damaged or the end is missing. */
export async function* snapshotChunks(rest: AsyncIterator<WireSnapshotChunk>): AsyncGenerator<Uint8Array> {
  let count = 0;
  for (;;) {
    const { value, done } = await rest.next();
    if (done) throw new DamagedSnapshotError(`the stream ended after ${count} chunks, without its last`);
    const chunk = value as WireSnapshotChunk;
    if (chunk.last) {
      if (chunk.count !== count) throw new DamagedSnapshotError(`${count} of ${chunk.count} chunks arrived`);
      return;
    }
    const data = chunk.data ?? new Uint8Array(0);
    if (crc32(data) !== chunk.checksum) throw new DamagedSnapshotError(`checksum of chunk ${count}`);
    count += 1;
    yield data;
  }
}
