import type { CommittedEntry } from "./apply.js";
import type { AppliedBatch, Leadership, LogIndex, ProposeOutcome, ReplicatedLog } from "./replicated-log.js";
import type { StateCore } from "./state-core.js";

/** A log of one member: what is proposed is applied at once, in groups, and there is nobody to agree with. */
export interface SoleLog {
  readonly log: ReplicatedLog;
  /**
   * The state cannot be written just now. What is being written has an unknown fate, nothing more is taken, and nothing is
   * read as current, until `resume`.
   */
  stall(): void;
  resume(): void;
}

interface Proposal {
  readonly data: Uint8Array;
  readonly term: number;
  readonly resolve: (outcome: ProposeOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Its first term follows the last one that is in the state. `isHeld`: whether nobody else can have changed what is stored; reads
 * are refused while that is in doubt.
 */
export function createSoleLog(core: StateCore, leaderId: string, isHeld: () => boolean = () => true): SoleLog {
  const listeners = new Set<(batch: AppliedBatch) => void>();
  const followers = new Set<(leadership: Leadership) => void>();
  const waiters: { readonly index: LogIndex; readonly wake: () => void }[] = [];
  let leadership: Leadership = Object.freeze({ isLeader: true, leaderId, term: core.meta().term + 1 });
  let waiting: Proposal[] = [];
  let writing: readonly Proposal[] = [];
  let isApplying = false;
  let mayLead = false;
  // What listeners have been told; the database may be ahead of it for a moment, as on a replica.
  let told = core.meta().index;

  function tell(batch: AppliedBatch): void {
    told = batch.index;
    for (const listener of listeners) listener(batch);
    for (let i = waiters.length - 1; i >= 0; i--) if (waiters[i]!.index <= told) waiters.splice(i, 1)[0]!.wake();
  }

  async function applyWaiting(proposals: readonly Proposal[]): Promise<void> {
    const first = core.meta().index + 1;
    const { term } = leadership;
    const group = proposals.map(({ data }, i): CommittedEntry => ({ index: first + i, term, kind: "normal", data }));
    const outcomes = await core.apply(group);
    const reset = outcomes.some((outcome) => outcome.reset);
    tell({ index: first + group.length - 1, keys: outcomes.flatMap(({ keys }) => keys), ...(reset ? { reset } : {}) });
    proposals.forEach(({ resolve }, i) => resolve({ outcome: outcomes[i]!.result, index: first + i }));
  }

  async function drain(): Promise<void> {
    isApplying = true;
    while (waiting.length > 0) {
      writing = waiting;
      waiting = [];
      await applyWaiting(writing).catch((error: unknown) => {
        for (const { reject } of writing) reject(error);
      });
    }
    writing = [];
    isApplying = false;
    if (mayLead) lead();
  }

  function lead(): void {
    mayLead = false;
    become({ isLeader: true, leaderId, term: leadership.term + 1 });
  }

  function become(next: Leadership): void {
    leadership = Object.freeze(next);
    for (const follower of followers) follower(leadership);
  }

  const log: ReplicatedLog = {
    propose(data, term) {
      if (!leadership.isLeader || term !== leadership.term) return Promise.resolve({ outcome: "not-leader" });
      return new Promise((resolve, reject) => {
        waiting.push({ data, term, resolve, reject });
        if (!isApplying) void drain();
      });
    },
    readBarrier: () => Promise.resolve(leadership.isLeader && isHeld() ? { outcome: "ready", index: told } : { outcome: "no-leader" }),
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
    leadership: () => leadership,
    onApplied(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onLeadership: (listener) => void followers.add(listener),
  };
  return {
    log,
    stall() {
      const [unknown, refused] = [writing, waiting];
      waiting = [];
      become({ isLeader: false, leaderId: undefined, term: leadership.term });
      for (const { resolve } of unknown) resolve({ outcome: "unknown" });
      for (const { resolve } of refused) resolve({ outcome: "not-leader" });
    },
    resume() {
      // Who leads has applied all that came before.
      if (isApplying) mayLead = true;
      else lead();
    },
  };
}
