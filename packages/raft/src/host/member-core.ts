import type { RaftCore } from "../core/api.js";
import type { SnapshotMeta } from "../core/types.js";
import type { DurableLog } from "../log/durable-log.js";
import type { Settings } from "./settings.js";
import type { Surroundings } from "./surroundings.js";

/** A sealed server campaigns only after this many election timeouts, when evidently nobody else will. */
const RELUCTANCE = 5;

/** `snapshotMeta` tells what is applied: the state machine is a database, so a snapshot is opened when it is needed. */
export function createMemberCore(settings: Settings, log: DurableLog, snapshotMeta: () => SnapshotMeta, { createCore, random, leaseClock, leaseDrift }: Surroundings): RaftCore {
  const begin = snapshotMeta();
  const { electionTicks, heartbeatTicks, maxInflightMessages, maxInflightBytes, maxEntriesBytesPerMessage } = settings;
  return createCore({
    id: settings.id, electionTicks, tickLength: settings.tickMs, heartbeatTicks, maxInflightMessages, maxInflightBytes, maxEntriesBytesPerMessage,
    reluctanceFactor: RELUCTANCE,
    ...(settings.readLease && { lease: { now: leaseClock, drift: leaseDrift } }),
    random,
    log: {
      firstIndex: () => log.firstIndex(),
      lastIndex: () => log.lastIndex(),
      term: (index) => log.term(index),
      entries: (from, to, maxBytes) => log.entries(from, to, maxBytes),
      snapshotMeta,
    },
    hardState: log.hardState,
    configuration: begin.configuration,
    configurationIndex: begin.configurationIndex,
    appliedIndex: begin.index,
  });
}
