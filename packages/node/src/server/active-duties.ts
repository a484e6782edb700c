import type { ActivityRecorder, ExpirationWorker } from "@coffer/state-machine";
import type { Logger } from "../logging/logger.js";

/** What only the active node does, about once a second: expiry, autopilot, and writing down who used the service. */
export interface ActiveDuties {
  /** Looks at once whether this node has become active, rather than within a second. */
  wake(): void;
  stop(): Promise<void>;
}

export interface ActiveDutiesOptions {
  /** Names this node's present time of leading, unsealed: another one after each election and each unsealing. Undefined where it does not. */
  readonly reign: () => string | undefined;
  /** Once in each of these, before the rest; again and again while it rejects. */
  readonly onActivation: () => Promise<void>;
  readonly expiration: Pick<ExpirationWorker, "step">;
  /** Votes for servers that joined, and the removal of those that are gone. */
  readonly autopilot: () => Promise<void>;
  readonly activity: Pick<ActivityRecorder, "step">;
  readonly logger: Logger;
}

const PAUSE_MS = 1000;
/** With more due than one slice: a breath between slices for the requests. */
const BUSY_PAUSE_MS = 5;

export function startActiveDuties({ reign, onActivation, expiration, autopilot, activity, logger }: ActiveDutiesOptions): ActiveDuties {
  let stopped = false;
  let activeReign: string | undefined;
  /** A round will begin as soon as the one under way is over. */
  let isNextDue = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  /** Undefined after a failure. */
  async function attempt<T>(what: string, work: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    try {
      return { value: await work() };
    } catch (error) {
      // Leadership or the keys may go at any moment; the next active node does it then.
      if (!stopped && reign() !== undefined) logger.error(`${what} failed; will be tried again`, { reason: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  /** True when more is due. */
  async function round(): Promise<boolean> {
    const present = stopped ? undefined : reign();
    if (present !== activeReign) activeReign = undefined;
    if (present === undefined) return false;
    if (activeReign === undefined && (await attempt("becoming active", onActivation)) === undefined) return false;
    activeReign = present;
    // A server that joined may take minutes to catch up.
    void attempt("autopilot", autopilot);
    const more = (await attempt("expiration", () => expiration.step()))?.value ?? false;
    return ((await attempt("recording clients", () => activity.step()))?.value ?? false) || more;
  }

  function next(): void {
    if (stopped || isNextDue) return;
    clearTimeout(timer);
    isNextDue = true;
    const begin = () => {
      isNextDue = false;
      return round();
    };
    running = running.then(begin).then((more) => {
      clearTimeout(timer);
      if (!stopped) timer = setTimeout(next, more ? BUSY_PAUSE_MS : PAUSE_MS);
    });
  }

  next();
  return {
    wake: next,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
