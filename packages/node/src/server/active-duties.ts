import type { ExpirationWorker } from "@coffer/state-machine";
import type { Logger } from "../logging/logger.js";

/** What only the active node does, about once a second: expiry, and the promotion of servers that joined. */
export interface ActiveDuties {
  /** Looks at once whether this node has become active, rather than within a second. */
  wake(): void;
  stop(): Promise<void>;
}

export interface ActiveDutiesOptions {
  /** Leads and is unsealed. */
  readonly leads: () => boolean;
  /** Once each time this node comes to lead, before the rest; again and again while it rejects. */
  readonly onActivation: () => Promise<void>;
  readonly expiration: ExpirationWorker;
  readonly promote: () => Promise<void>;
  readonly logger: Logger;
}

const PAUSE_MS = 1000;
/** With more due than one slice: a breath between slices for the requests. */
const BUSY_PAUSE_MS = 5;

export function startActiveDuties({ leads, onActivation, expiration, promote, logger }: ActiveDutiesOptions): ActiveDuties {
  let stopped = false;
  let wasActive = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  /** Undefined after a failure. */
  async function attempt<T>(what: string, work: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    try {
      return { value: await work() };
    } catch (error) {
      // Leadership or the keys may go at any moment; the next active node does it then.
      if (leads()) logger.error(`${what} failed; will be tried again`, { reason: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  /** True when more is due. */
  async function round(): Promise<boolean> {
    if (!leads()) {
      wasActive = false;
      return false;
    }
    wasActive ||= (await attempt("becoming active", onActivation)) !== undefined;
    if (!wasActive) return false;
    await attempt("promoting servers", promote);
    return (await attempt("expiration", () => expiration.step()))?.value ?? false;
  }

  function next(): void {
    clearTimeout(timer);
    running = running.then(round).then((more) => {
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
