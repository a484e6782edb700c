import type { ExpirationWorker } from "@coffer/state-machine";
import type { Logger } from "../logging/logger.js";

/** What only the active node does, about once a second: expiry, and the promotion of servers that joined. */
export interface ActiveDuties {
  stop(): Promise<void>;
}

export interface ActiveDutiesOptions {
  readonly isActive: () => boolean;
  /** Once each time this node becomes active, before the rest. */
  readonly onActivation: () => Promise<void>;
  readonly expiration: ExpirationWorker;
  readonly promote: () => Promise<void>;
  readonly logger: Logger;
}

const PAUSE_MS = 1000;
/** With more due than one slice: a breath between slices for the requests. */
const BUSY_PAUSE_MS = 5;

export function startActiveDuties({ isActive, onActivation, expiration, promote, logger }: ActiveDutiesOptions): ActiveDuties {
  let stopped = false;
  let wasActive = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      // Leadership or the keys may go at any moment; the next active node does it then.
      if (isActive()) logger.error(`${what} failed; will be tried again`, { reason: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  async function round(): Promise<boolean> {
    if (!isActive()) {
      wasActive = false;
      return false;
    }
    if (!wasActive) {
      await attempt("activation", onActivation);
      wasActive = true;
    }
    await attempt("promoting servers", promote);
    return (await attempt("expiration", () => expiration.step())) ?? false;
  }

  function next(): void {
    running = round().then((more) => {
      if (!stopped) timer = setTimeout(next, more ? BUSY_PAUSE_MS : PAUSE_MS);
    });
  }

  next();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
