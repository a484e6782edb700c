import type { Entry, LogIndex, Term } from "../core/types.js";
import type { StateMachine } from "../host/api.js";
import type { Process } from "./process.js";
import type { Random } from "./random.js";

/** What is replicated in a run: raft's own simulation keeps a memory, the whole service a database. */
export interface Service {
  state(random: Random): SimulatedState;
  /** Bytes to propose, unlike those of any other `n`. */
  entry(n: number, random: Random): Uint8Array;
  /** What every state must be. */
  model(): Model;
}

/** Told of the committed entries once, in their order; gives the digest of a state that has applied them so far. */
export interface Model {
  apply(entry: Entry): number;
}

/** A replicated state on a simulated disk: it outlives its process, less what a loss of power takes. */
export interface SimulatedState {
  /** Rejects with a StateFormatError where it finds that the disk was spoilt. */
  open(process: Process): Promise<StateMachine>;
  /** Of the whole state, as the machine opened last has it. */
  digest(): number;
  losePower(): void;
  /** Spoils something that was written. False when there is nothing. */
  damage(): boolean;
  /** A new, empty disk. */
  wipe(): void;
}

export const DAMAGED_STATE = "StateFormatError";

interface Point {
  readonly index: LogIndex;
  readonly term: Term;
  /** Stands for everything applied so far, in order. */
  readonly digest: number;
}

const ORIGIN: Point = { index: 0, term: 0, digest: 0 };
/** So that a small state is many chunks. */
const CHUNK_BYTES = 4;

export function nextDigest(before: number, { index, term, data }: Pick<Entry, "index" | "term" | "data">): number {
  let digest = Math.imul(before ^ index, 0x01000193) ^ term;
  for (const byte of data) digest = Math.imul(digest ^ byte, 0x01000193);
  return digest >>> 0;
}

/** A state machine whose writes are not synced: a loss of power leaves what was flushed last, and traces of some of what came after. */
function createMemoryState(random: Random): SimulatedState {
  /** From the durable point to the applied one. */
  let points: Point[] = [ORIGIN];
  let traces = ORIGIN;
  const applied = () => points[points.length - 1]!;
  const reached = () => (traces.index > applied().index ? traces : applied());
  /** With traces of what is to come it is no state that the entries make. */
  const digest = () => (reached() === applied() ? applied().digest : ~applied().digest);
  return {
    open: async (process) => ({
      appliedIndex: () => applied().index,
      appliedTerm: () => applied().term,
      reached,
      async apply(group) {
        await process.work(1, 15);
        for (const entry of group) points.push({ index: entry.index, term: entry.term, digest: nextDigest(applied().digest, entry) });
        return group.map(() => "applied" as const);
      },
      async flush() {
        const { index } = applied();
        await process.work(1, 10);
        points = points.filter((point) => point.index >= index);
        return index;
      },
      async openSnapshot() {
        const { index, term } = applied();
        const point: Point = { index, term, digest: digest() };
        async function* chunks() {
          const bytes = Buffer.from(JSON.stringify(point));
          for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
            await process.work(0, 2);
            yield bytes.subarray(at, at + CHUNK_BYTES);
          }
        }
        return { index, term, chunks: chunks(), close: async () => undefined };
      },
      async installSnapshot(meta, chunks) {
        const parts: Uint8Array[] = [];
        for await (const chunk of chunks) {
          await process.work(0, 3);
          parts.push(chunk);
        }
        const point = JSON.parse(Buffer.concat(parts).toString()) as Point;
        if (point.index !== meta.index || point.term !== meta.term) throw new Error(`the state is of index ${point.index}, not ${meta.index}`);
        points = [point];
        traces = ORIGIN;
      },
    }),
    digest,
    losePower() {
      const kept = points[random.int(0, points.length - 1)]!;
      if (kept.index > traces.index) traces = kept;
      points = points.slice(0, 1);
    },
    damage: () => false,
    wipe() {
      points = [ORIGIN];
      traces = ORIGIN;
    },
  };
}

export const MEMORY: Service = {
  state: createMemoryState,
  entry: (n) => Buffer.from(`w${n}`),
  model() {
    let digest = 0;
    return { apply: (entry) => (digest = nextDigest(digest, entry)) };
  },
};
