import { startCluster } from "./cluster.js";
import { CALM_MS, disturb, SPARES } from "./chaos.js";
import { createNetwork } from "./network.js";
import { noSmallDisk } from "./small-disk.js";
import { startTraffic } from "./traffic.js";
import type { TrafficReport } from "./traffic.js";

export interface ChaosOptions {
  readonly nodes: number;
  readonly minutes: number;
  /** Nodes answer reads by a lease. */
  readonly readLease: boolean;
  /** Decides which faults come, and to whom. What nodes then do is up to them and the machine. */
  readonly random: () => number;
  readonly tell: (what: string) => void;
  /** Ends it after the fault under way, and checks. */
  readonly signal: AbortSignal;
}

export interface ChaosReport extends TrafficReport {
  /** By name, how often. */
  readonly faults: ReadonlyMap<string, number>;
}

const DISK_MEGABYTES = 160;
const KEPT_LOG_LINES = 40;

/** Faults of all kinds, one after the other, under traffic. Rejects where a promise is broken, or the cluster does not come back. */
export async function runChaos({ nodes, minutes, readLease, random, tell, signal }: ChaosOptions): Promise<ChaosReport> {
  const diskMissing = noSmallDisk();
  if (diskMissing !== undefined) tell(`without: ${diskMissing}`);
  const network = createNetwork(SPARES);
  tell(`links are cut by ${network.means}`);
  try {
    const cluster = await startCluster({
      nodes, storage: `  trailing_logs = 100\n  snapshot_threshold = 200\n  read_lease = ${readLease}`,
      patienceMs: CALM_MS,
      network, ...(diskMissing === undefined && { diskMegabytes: DISK_MEGABYTES }),
    });
    const traffic = startTraffic(cluster, CALM_MS);
    try {
      const faults = new Map<string, number>();
      const end = performance.now() + minutes * 60_000;
      while (performance.now() < end && !signal.aborted) {
        await traffic.progress();
        const name = await disturb({ cluster, network, hasSmallDisks: diskMissing === undefined, random, tell });
        faults.set(name, (faults.get(name) ?? 0) + 1);
      }
      return { ...(await traffic.finish()), faults };
    } catch (error) {
      for (const node of cluster.nodes) tell(`--- ${node.id}\n${node.log().split("\n").slice(-KEPT_LOG_LINES).join("\n")}`);
      // A broken promise is the finding, whatever else did not come in time.
      throw traffic.broken() ?? error;
    } finally {
      await cluster.stop();
    }
  } finally {
    network.remove();
  }
}
