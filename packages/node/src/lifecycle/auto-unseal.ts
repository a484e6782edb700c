import { RequestError } from "@coffer/state-machine";
import type { Logger } from "../logging/logger.js";

/** Tries to unseal with the configured seals, again and again while it does not work. */
export interface AutoUnseal {
  /** One attempt now, if one is due; the rest follows in the background. Never rejects. */
  wake(): Promise<void>;
  /** Why the last attempt failed, in words for an operator. */
  readonly problem: () => string | undefined;
  stop(): void;
}

export interface AutoUnsealOptions {
  /** Whether this node is sealed and its seals may open it. */
  readonly isDue: () => boolean;
  /** Rejects where a seal cannot be used now. */
  readonly attempt: () => Promise<void>;
  readonly logger: Logger;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export function createAutoUnseal({ isDue, attempt, logger }: AutoUnsealOptions): AutoUnseal {
  let problem: string | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isWoken = false;
  let isStopped = false;

  async function round(): Promise<void> {
    if (isStopped || !isDue()) return;
    try {
      await attempt();
      problem = undefined;
      pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      problem = error instanceof RequestError ? error.message : `unsealing by the configured seals failed: ${error instanceof Error ? error.message : String(error)}`;
      if (isStopped) return;
      if (!isDue()) return logger.warn("this node could not be unsealed by its seals", { reason: problem });
      logger.warn("this node could not be unsealed by its seals; will try again", { reason: problem, in_seconds: pauseMs / 1000 });
      clearTimeout(timer);
      timer = setTimeout(() => void wake(), pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  /** What changes during a round may be what made it fail. */
  async function rounds(): Promise<void> {
    do {
      isWoken = false;
      await round();
    } while (isWoken);
  }

  function wake(): Promise<void> {
    isWoken = true;
    running ??= rounds().finally(() => (running = undefined));
    return running;
  }

  return {
    wake,
    problem: () => (isDue() ? problem : undefined),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
