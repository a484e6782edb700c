import { once } from "node:events";
import { crc32 } from "node:zlib";
import type { NodeId, SnapshotMeta, Term } from "../core/types.js";
import type { Peer } from "../transport/peer.js";
import { headerToWire } from "../transport/wire.js";

/** Streams one state to a peer, at the pace at which it takes it. Resolves true when the peer has installed it. */
export async function sendSnapshot(peer: Peer, self: NodeId, term: Term, meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
  let settle: (installed: boolean) => void;
  const answered = new Promise<boolean>((resolve) => (settle = resolve));
  let failed = false;
  const stream = peer.openSnapshot((error, result) => {
    failed = error !== null;
    settle(error === null && result?.installed === true);
  });
  stream.on("error", () => undefined);
  const write = async (chunk: Parameters<typeof stream.write>[0]) => {
    if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), answered]);
  };
  await write({ header: headerToWire(self, term, meta) });
  let count = 0;
  for await (const data of chunks) {
    if (failed) return false;
    await write({ data, checksum: crc32(data) });
    count += 1;
  }
  await write({ last: true, count });
  stream.end();
  return answered;
}
