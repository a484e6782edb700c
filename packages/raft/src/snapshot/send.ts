import { crc32 } from "node:zlib";
import type { NodeId, SnapshotMeta, Term } from "../core/types.js";
import { headerToWire } from "../transport/wire.js";
import type { WireSnapshotProgress } from "../transport/wire.js";
import type { SnapshotTarget } from "./streams.js";

/** Chunks sent that the peer has not taken in yet; they are kept, to be sent again where the stream breaks. */
const WINDOW_CHUNKS = 8;
/** A stream that breaks is followed by another for as long as there was progress within this. */
export const RESUME_MS = 15_000;
const PAUSE_MS = 250;

export interface OutgoingSnapshot {
  /** The peer, as it can be reached now. */
  readonly peer: () => SnapshotTarget | undefined;
  readonly self: NodeId;
  readonly term: Term;
  readonly meta: SnapshotMeta;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Names this transfer over all its streams. */
  readonly transfer: string;
  readonly now: () => number;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Whether the outcome still matters: this member leads, and runs. */
  readonly isWanted: () => boolean;
  readonly onResume: () => void;
}

type Ending = "installed" | "refused" | "broken";

/** Streams one state to a peer, at the pace at which it takes it in, over as many streams as that takes. True when it is installed. */
export async function sendSnapshot(outgoing: OutgoingSnapshot): Promise<boolean> {
  const { now, isWanted } = outgoing;
  const window = createWindow(outgoing.chunks);
  let lastProgress = now();
  const onProgress = () => void (lastProgress = now());
  for (let attempt = 0; isWanted() && now() - lastProgress < RESUME_MS; attempt++) {
    if (attempt > 0) await outgoing.pause(PAUSE_MS);
    const ending = await sendOver(outgoing, window, onProgress, attempt > 0);
    if (ending !== "broken") return ending === "installed";
  }
  return false;
}

/** What the peer may not have yet. */
interface Window {
  /** The chunk of this number; undefined at the end. Rejects for one that is forgotten. */
  at(number: number): Promise<Uint8Array | undefined>;
  has(number: number): boolean;
  /** Chunks below `number` are in. */
  forget(number: number): void;
}

function createWindow(chunks: AsyncIterable<Uint8Array>): Window {
  const iterator = chunks[Symbol.asyncIterator]();
  let kept: Uint8Array[] = [];
  let first = 0;
  let isEnded = false;
  return {
    has: (number) => number >= first && number <= first + kept.length,
    async at(number) {
      if (number < first + kept.length) return kept[number - first];
      if (isEnded) return undefined;
      const next = await iterator.next();
      if (next.done) isEnded = true;
      else kept.push(next.value);
      return next.done ? undefined : next.value;
    },
    forget(number) {
      if (number <= first) return;
      kept = kept.slice(number - first);
      first = number;
    },
  };
}

async function sendOver({ peer, self, term, meta, transfer, isWanted, onResume }: OutgoingSnapshot, window: Window, onProgress: () => void, isAgain: boolean): Promise<Ending> {
  const stream = peer()?.openSnapshot();
  if (!stream) return "broken";
  let received: number | undefined;
  let ending: Ending | undefined;
  let wake: () => void = () => undefined;
  const news = () => new Promise<void>((resolve) => (wake = resolve));
  const end = (how: Ending) => {
    ending ??= how;
    wake();
  };
  stream.on("data", (progress: WireSnapshotProgress) => {
    received = progress.received ?? 0;
    window.forget(received);
    onProgress();
    if (progress.done) end(progress.installed ? "installed" : "refused");
    wake();
  });
  stream.on("error", () => end("broken"));
  stream.on("end", () => end("broken"));
  const over = () => ending !== undefined || !isWanted();

  try {
    stream.write({ header: headerToWire(self, term, meta, transfer) });
    while (!over() && received === undefined) await news();
    if (over()) return ending ?? "broken";
    // It has begun anew, or never had what was thought to be in.
    if (!window.has(received!)) return "refused";
    if (isAgain && received! > 0) onResume();
    for (let next = received!; !over(); next++) {
      while (!over() && next - received! >= WINDOW_CHUNKS) await news();
      const data = over() ? undefined : await window.at(next);
      if (over()) break;
      const isRoom = stream.write(data === undefined ? { last: true, count: next } : { data, checksum: crc32(data), count: next });
      if (data === undefined) break;
      if (!isRoom) await Promise.race([new Promise<void>((drained) => stream.once("drain", drained)), news()]);
    }
    while (!over()) await news();
    return ending ?? "broken";
  } finally {
    if (ending === undefined || ending === "broken") stream.cancel();
    else stream.end();
  }
}
