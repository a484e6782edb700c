import { decodeConfiguration } from "../core/configuration.js";
import type { Configuration, Entry, LogIndex, SnapshotMeta } from "../core/types.js";
import type { DurableLog } from "../log/durable-log.js";

export interface AppliedConfiguration {
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
}

/** The configuration in force at each applied index that the log still reaches: what a snapshot or a compaction there must name. */
export interface AppliedConfigurations {
  at(index: LogIndex): AppliedConfiguration;
  applied(group: readonly Entry[]): void;
  /** The log begins after `index` now. */
  compacted(index: LogIndex): void;
  installed(meta: SnapshotMeta): void;
}

export function readAppliedConfigurations(log: Pick<DurableLog, "configurations" | "compaction">, applied: LogIndex): AppliedConfigurations {
  let known: AppliedConfiguration[] = [log.compaction];

  function remember(entry: Entry): void {
    if (entry.kind === "config") known.push({ configuration: decodeConfiguration(entry.data), configurationIndex: entry.index });
  }

  log.configurations().filter((entry) => entry.index <= applied).forEach(remember);
  return {
    at(index) {
      const { configuration, configurationIndex } = known.findLast((one) => one.configurationIndex <= index) ?? known[0]!;
      return { configuration, configurationIndex };
    },
    applied: (group) => group.forEach(remember),
    compacted(index) {
      const first = known.findLastIndex((one) => one.configurationIndex <= index);
      if (first > 0) known = known.slice(first);
    },
    installed: (meta) => void (known = [meta]),
  };
}
