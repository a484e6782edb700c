import type { Evaluated, Store, WriteSet } from "../store/index.js";
import type { ProposeOutcome } from "../store/replicated-log.js";

/** The time by which a gathering paces itself. */
export interface Pace {
  /** Milliseconds since any moment; never goes back. */
  now(): number;
  pause(milliseconds: number): Promise<void>;
}

export interface GatherOptions {
  readonly commit: Store["commit"];
  /** How many requests clients have made so far. */
  readonly requests: () => number;
  readonly pace?: Pace;
}

/** Commits what one expiry has evaluated, some time. `patience`: from 1, it has only just come due, to 0, it must not wait any more. */
export type Gather = (evaluated: Evaluated<unknown>, patience: number) => Promise<ProposeOutcome>;

/** While clients ask, a write set of expiries is followed by so many times what it took to be committed... */
const RESTS = 4;
/** ...and by no less than this, for the time that went into evaluating it. */
const SHORTEST_REST_MS = 5;
const LONGEST_REST_MS = 1000;
/** Of one write set, unless the first expiry in it has more: what a client's write may have to wait behind. */
const MAX_KEYS = 512;

interface Waiting {
  readonly evaluated: Evaluated<unknown>;
  readonly patience: number;
  readonly resolve: (outcome: ProposeOutcome) => void;
  readonly reject: (error: unknown) => void;
}

const TIMERS: Pace = {
  now: () => performance.now(),
  pause: (milliseconds) => new Promise((resolve) => void setTimeout(resolve, milliseconds)),
};

/**
 * Expiry is in no hurry, clients are. What expires at about the same time is committed as one write set, one after another, and
 * while clients ask there is a rest after each: so expiry has a fifth of the log's time at most, whether that is a fast log or
 * a slow one, alone or on a busy machine. The later it is the shorter it rests: more may come due than a fifth of the time is
 * enough for.
 */
export function createGather({ commit, requests, pace = TIMERS }: GatherOptions): Gather {
  const waiting: Waiting[] = [];
  let isRunning = false;
  let seen = requests();

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const group = takeGroup(waiting);
      const begun = pace.now();
      await settle(group);
      const took = pace.now() - begun;
      const hasClients = requests() !== seen;
      seen = requests();
      const rest = Math.min(LONGEST_REST_MS, Math.max(SHORTEST_REST_MS, took * RESTS)) * Math.min(...group.map(({ patience }) => patience));
      if (hasClients && rest > 0) await pace.pause(rest);
    }
    isRunning = false;
  }

  async function settle(group: readonly Waiting[]): Promise<void> {
    const [first, ...others] = group;
    if (!first) return;
    try {
      const outcome = await commit(merge(group.map(({ evaluated }) => evaluated)));
      // One of them has lost to a client, and not all of them: each is looked at alone.
      if (outcome.outcome === "conflict" && others.length > 0) await Promise.all(group.map((one) => settle([one])));
      else for (const { resolve } of group) resolve(outcome);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  return (evaluated, patience) => {
    if (!evaluated.writeSet) return commit(evaluated);
    return new Promise((resolve, reject) => {
      waiting.push({ evaluated, patience, resolve, reject });
      if (!isRunning) void run();
    });
  };
}

/** Takes out those that can be one write set, in their order: none has read or written what another writes. */
function takeGroup(waiting: Waiting[]): Waiting[] {
  const group: Waiting[] = [];
  const reads = new Map<string, number>();
  const written = new Set<string>();
  const left = waiting.filter((one) => {
    const { evaluated } = one;
    const keys = keysOf(evaluated.writeSet);
    const isApart = [...evaluated.reads].every(([key, version]) => !written.has(key) && (reads.get(key) ?? version) === version) && keys.every((key) => !written.has(key) && !reads.has(key));
    const fits = group.length === 0 || (evaluated.era === group[0]!.evaluated.era && written.size + keys.length <= MAX_KEYS && isApart);
    if (!fits) return true;
    for (const [key, version] of evaluated.reads) reads.set(key, version);
    for (const key of keys) written.add(key);
    group.push(one);
    return false;
  });
  waiting.splice(0, waiting.length, ...left);
  return group;
}

const keysOf = (writeSet: WriteSet | undefined): string[] => (writeSet ? [...writeSet.puts.map(([key]) => key), ...writeSet.deletes] : []);

/** As if one evaluation had done it all. Its view is the oldest, since what they have read must hold from then on. */
function merge(group: readonly Evaluated<unknown>[]): Evaluated<unknown> {
  const [first] = group;
  if (group.length === 1) return first!;
  const index = Math.min(...group.map((one) => one.index));
  const sets = group.flatMap(({ writeSet }) => (writeSet ? [writeSet] : []));
  return {
    value: undefined,
    era: first!.era,
    index,
    reads: new Map(group.flatMap(({ reads }) => [...reads])),
    writeSet: { kind: "write", base: index, puts: sets.flatMap(({ puts }) => puts), deletes: sets.flatMap(({ deletes }) => deletes) },
  };
}
