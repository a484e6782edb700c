import { MemoryLevel } from "memory-level";
import type { CommittedEntry } from "./apply.js";
import type { AppliedBatch, Leadership, ProposeOutcome, ReplicatedLog, StateReader } from "./replicated-log.js";
import { createStateCore } from "./state-core.js";
import { readerOf } from "./state-reader.js";

/** A log of one member, in memory, always leading: for -dev and tests. Entries and conflicts are those of the real one. */
export interface MemoryLog {
  readonly log: ReplicatedLog;
  readonly reader: StateReader;
}

interface Proposal {
  readonly data: Uint8Array;
  readonly resolve: (outcome: ProposeOutcome) => void;
  readonly reject: (error: unknown) => void;
}

const LEADING: Leadership = Object.freeze({ isLeader: true, leaderId: "memory", term: 1 });

export async function createMemoryLog(): Promise<MemoryLog> {
  const database = new MemoryLevel<string, Uint8Array>({ keyEncoding: "utf8", valueEncoding: "view" });
  await database.open();
  const core = createStateCore(database);
  const listeners = new Set<(batch: AppliedBatch) => void>();
  const waiters: { readonly index: number; readonly wake: () => void }[] = [];
  let waiting: Proposal[] = [];
  let applying = false;
  // What listeners have been told; the database may be ahead of it for a moment, as on a real node.
  let told = 0;

  function tell(batch: AppliedBatch): void {
    told = batch.index;
    for (const listener of listeners) listener(batch);
    for (let i = waiters.length - 1; i >= 0; i--) if (waiters[i]!.index <= told) waiters.splice(i, 1)[0]!.wake();
  }

  async function applyWaiting(proposals: readonly Proposal[]): Promise<void> {
    const first = core.meta().index + 1;
    const group = proposals.map(({ data }, i): CommittedEntry => ({ index: first + i, term: LEADING.term, kind: "normal", data }));
    const outcomes = await core.apply(group);
    const reset = outcomes.some((outcome) => outcome.reset);
    tell({ index: first + group.length - 1, keys: outcomes.flatMap(({ keys }) => keys), ...(reset ? { reset } : {}) });
    proposals.forEach(({ resolve }, i) => resolve({ outcome: outcomes[i]!.result, index: first + i }));
  }

  async function drain(): Promise<void> {
    applying = true;
    while (waiting.length > 0) {
      const proposals = waiting;
      waiting = [];
      await applyWaiting(proposals).catch((error: unknown) => {
        for (const { reject } of proposals) reject(error);
      });
    }
    applying = false;
  }

  const log: ReplicatedLog = {
    propose: (data) =>
      new Promise((resolve, reject) => {
        waiting.push({ data, resolve, reject });
        if (!applying) void drain();
      }),
    readBarrier: () => Promise.resolve({ outcome: "ready", index: told }),
    appliedIndex: () => told,
    waitApplied(index, timeoutMs) {
      if (told >= index) return Promise.resolve(true);
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiters.splice(waiters.indexOf(waiter), 1);
          resolve(false);
        }, timeoutMs);
        const waiter = { index, wake: () => (clearTimeout(timer), resolve(true)) };
        waiters.push(waiter);
      });
    },
    leadership: () => LEADING,
    onApplied(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    // Nothing ever changes it.
    onLeadership: () => undefined,
  };
  return { log, reader: readerOf(database) };
}
