import type { StoreCounts } from "@coffer/state-machine";
import { autopilotHealth, DEFAULT_THRESHOLDS } from "./autopilot-health.js";
import type { AutopilotHealth } from "./autopilot-health.js";
import type { Distribution, Row } from "./metric.js";
import type { Runtime } from "./runtime.js";
import type { AuditCounts, Counts, RaftPoll, SealUse, TelemetryOptions } from "./types.js";

/** Everything the tables of metrics read from: the node at one moment. */
export interface Poll {
  readonly state: { readonly sealed: boolean; readonly active: boolean };
  readonly inFlight: number;
  readonly storage: Readonly<StoreCounts> | undefined;
  readonly audit: AuditCounts;
  readonly counts: Counts;
  readonly seals: readonly SealUse[];
  readonly raft: RaftPoll | undefined;
  /** On the leader. */
  readonly autopilot: AutopilotHealth | undefined;
  /** Measured here; the rest is asked for. */
  readonly measured: Measured;
}

export interface Measured {
  readonly request: Distribution;
  readonly login: Distribution;
  readonly lastContact: Distribution;
  readonly responses: readonly Row<number>[];
  readonly tokenCreations: readonly Row<number>[];
  readonly timesFollower: number;
  readonly runtime: Runtime;
}

/** A stuck disk blocks the consensus thread, and then its metrics are wanted most: those that can be had, soon. */
const PATIENCE_MS = 1000;

async function orNothing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const giveUp = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, undefined)));
  try {
    return await Promise.race([ask(), giveUp]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Asks everyone at once; `onRaft` hears of consensus before `measured` is read. */
export async function pollNode(options: TelemetryOptions, onRaft: (raft: RaftPoll) => void, measured: () => Measured): Promise<Poll> {
  const [raft, counts] = await Promise.all([orNothing(options.raft), orNothing(options.counts)]);
  if (raft) onRaft(raft);
  return {
    state: options.state(),
    inFlight: options.inFlight(),
    storage: options.storage?.(),
    audit: options.audit(),
    counts: counts ?? {},
    seals: options.seals?.() ?? [],
    raft,
    autopilot: raft && autopilotHealth(raft.status, options.autopilotThresholds?.() ?? DEFAULT_THRESHOLDS),
    measured: measured(),
  };
}
