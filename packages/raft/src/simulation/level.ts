import type { LogDatabase, LogOperation } from "../log/durable-log.js";
import { keyText } from "./held-log.js";
import type { Records } from "./held-log.js";
import type { Random } from "./random.js";

/** LevelDB as it promises to be, on a disk that is only as good as that: what was not synced may be gone after a crash, the last of it first. */
export interface SimulatedLevel {
  /** Opens it, with what survived. What an earlier opening still does leads nowhere. `work`: what a step of writing waits for. */
  open(work?: () => Promise<void>): LogDatabase;
  crash(): void;
  /** From now on a batch fails; it may be on the disk nevertheless, or the front of it, which counts as nothing. */
  breakDown(): void;
  /** What is on the disk for certain. Whoever changes it plays a disk that does. */
  records(): Records;
}

/** How it may fall short; whoever tests with it must notice. */
export interface LevelBreakage {
  /** Batches are torn. */
  readonly tears?: boolean;
  /** A sync returns before it has happened. */
  readonly syncsLate?: boolean;
}

const never = () => new Promise<never>(() => undefined);
/** Records that are read at a time, however many are asked for. */
const PAGE = 2;
/** Deletions of one `clear` that become one record. */
const CLEAR_STEP = 3;

export function createSimulatedLevel(random: Random, breakage: LevelBreakage = {}): SimulatedLevel {
  let durable = new Map<string, Uint8Array>();
  /** Written, and not known to be durable. */
  let journal: LogOperation[][] = [];
  let content = new Map<string, Uint8Array>();
  let opening = 0;
  let isBroken = false;

  function apply(to: Map<string, Uint8Array>, operations: readonly LogOperation[]): void {
    for (const operation of operations) {
      if (operation.type === "put") to.set(keyText(operation.key), operation.value);
      else to.delete(keyText(operation.key));
    }
  }

  function sync(): void {
    for (const record of journal) apply(durable, record);
    journal = [];
  }

  function survivors(): LogOperation[][] {
    const kept = journal.slice(0, random.int(0, journal.length));
    const torn = journal[kept.length];
    return breakage.tears && torn ? [...kept, torn.slice(0, random.int(0, torn.length))] : kept;
  }

  return {
    open(work = () => Promise.resolve()) {
      const mine = ++opening;
      /** A step of something longer. What was under way when it crashed ends there. */
      async function turn(step: () => void = () => undefined, wait = work): Promise<void> {
        await wait();
        if (mine !== opening) await never();
        step();
      }
      const read = () => turn(() => undefined, () => Promise.resolve());
      content = new Map(durable);

      function within(range: Parameters<LogDatabase["keys"]>[0]): [Uint8Array, Uint8Array][] {
        const { gt, gte, lt, lte } = { gt: range.gt && keyText(range.gt), gte: range.gte && keyText(range.gte), lt: range.lt && keyText(range.lt), lte: range.lte && keyText(range.lte) };
        const keys = [...content.keys()].filter((key) => (gt === undefined || key > gt) && (gte === undefined || key >= gte) && (lt === undefined || key < lt) && (lte === undefined || key <= lte)).sort();
        return keys.map((key) => [Buffer.from(key, "hex"), content.get(key)!]);
      }

      return {
        getSync: (key) => content.get(keyText(key)),
        async batch(operations, { sync: isSynced }) {
          await turn(() => void journal.push(operations));
          await turn(() => {
            if (isBroken) throw Object.assign(new Error("no space left"), { code: "LEVEL_IO_ERROR" });
            if (isSynced && !breakage.syncsLate) sync();
            apply(content, operations);
          });
          await turn();
        },
        values(range) {
          const found = within(range).map(([, value]) => value);
          return {
            async nextv(size) {
              await read();
              return found.splice(0, Math.min(size, PAGE));
            },
            close: read,
          };
        },
        async *keys(range) {
          for (const [key] of within(range)) {
            await read();
            yield key;
          }
        },
        async clear(range) {
          const operations = within(range).map(([key]): LogOperation => ({ type: "del", key }));
          for (let at = 0; at < operations.length; at += CLEAR_STEP) {
            const some = operations.slice(at, at + CLEAR_STEP);
            await turn(() => {
              journal.push(some);
              apply(content, some);
            });
          }
        },
        close: () => turn(),
      };
    },
    crash() {
      for (const record of survivors()) apply(durable, record);
      durable = new Map(durable);
      journal = [];
      isBroken = false;
      opening += 1;
    },
    breakDown: () => void (isBroken = true),
    records: () => durable,
  };
}
