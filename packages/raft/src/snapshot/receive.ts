import { crc32 } from "node:zlib";
import type { WireSnapshotChunk } from "../transport/wire.js";

/** The state that arrives is not what was sent, or does not arrive to its end: the install fails, the old state stays. */
export class DamagedSnapshotError extends Error {
  override readonly name = "DamagedSnapshotError";
}

/** A state on its way in, over one stream after the other. */
export interface IncomingSnapshot {
  /** For the install; throws once it is given up. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Data chunks that are in: the install took them, or is about to. */
  received(): number;
  isComplete(): boolean;
  /** Takes one message; resolves when the install wants more. Rejects with DamagedSnapshotError for one that is not what was sent: it has to come again. */
  take(chunk: WireSnapshotChunk): Promise<void>;
  giveUp(reason: string): void;
}

export function createIncomingSnapshot(): IncomingSnapshot {
  let received = 0;
  let complete = false;
  let failure: DamagedSnapshotError | undefined;
  let offered: { readonly data: Uint8Array; readonly taken: () => void } | undefined;
  /** Settled when the chunk that was offered last is taken. */
  let lastTaken: Promise<void> = Promise.resolve();
  let wake: () => void = () => undefined;

  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (failure) throw failure;
      if (offered) {
        const { data, taken } = offered;
        offered = undefined;
        yield data;
        // The install came back for more: this one is in.
        taken();
      } else if (complete) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  return {
    chunks: chunks(),
    received: () => received,
    isComplete: () => complete,
    async take(chunk) {
      if (failure) throw failure;
      if (chunk.last) {
        if (chunk.count !== received) throw new DamagedSnapshotError(`${received} of ${chunk.count} chunks arrived`);
        complete = true;
        wake();
        return;
      }
      const data = chunk.data ?? new Uint8Array(0);
      if (crc32(data) !== chunk.checksum) throw new DamagedSnapshotError(`checksum of chunk ${received}`);
      const number = chunk.count ?? 0;
      if (number > received) throw new DamagedSnapshotError(`chunk ${number} came instead of ${received}`);
      // Another stream brought it already.
      if (number < received) return lastTaken;
      received += 1;
      const before = lastTaken;
      lastTaken = new Promise<void>((taken) => void before.then(() => {
        offered = { data, taken };
        if (failure) taken();
        wake();
      }));
      await lastTaken;
    },
    giveUp(reason) {
      failure ??= new DamagedSnapshotError(reason);
      offered?.taken();
      offered = undefined;
      wake();
    },
  };
}
