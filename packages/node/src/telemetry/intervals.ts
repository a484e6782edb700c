import type { Family } from "./metric.js";
import { metricsDocument } from "./metrics-document.js";
import type { DocumentNaming } from "./metrics-document.js";
import type { MetricsDocument } from "./types.js";

const INTERVAL_MS = 10_000;

/** Cuts time into intervals, as Vault's JSON shows it. */
export interface Intervals {
  /** Of the last whole interval; before there is one, of the time since the start. */
  document(): Promise<MetricsDocument>;
  stop(): void;
}

interface Moment {
  readonly atMs: number;
  readonly families: readonly Family[];
}

/** `roll` is called at the end of each interval, after what it brought was collected. */
export function createIntervals(startedMs: number, collect: () => Promise<readonly Family[]>, naming: () => DocumentNaming, roll: (nowMs: number) => void): Intervals {
  let last: Moment = { atMs: startedMs, families: [] };
  let finished: MetricsDocument | undefined;
  let rolling = false;

  async function measure(): Promise<Moment> {
    const families = await collect();
    return { atMs: Date.now(), families };
  }

  function between(begin: Moment, end: Moment): MetricsDocument {
    return metricsDocument({ beginMs: begin.atMs, endMs: end.atMs, before: begin.families, after: end.families }, naming());
  }

  async function finish(): Promise<void> {
    if (rolling) return;
    rolling = true;
    try {
      const now = await measure();
      finished = between(last, now);
      last = now;
      roll(now.atMs);
    } finally {
      rolling = false;
    }
  }

  // What fails here fails at the next scrape as well, and is reported there.
  const ticker = setInterval(() => void finish().catch(() => undefined), INTERVAL_MS);
  ticker.unref();
  return {
    document: async () => finished ?? between(last, await measure()),
    stop: () => clearInterval(ticker),
  };
}
