import type { SealLifecycle } from "../lifecycle/seal-control.js";
import type { Logger } from "../logging/logger.js";
import type { NodeSeals } from "../seals/index.js";
import type { KeyringDuty } from "./keyring-control.js";

export interface SealDutiesOptions {
  readonly isSealed: () => boolean;
  readonly isActive: () => boolean;
  readonly seals: Pick<NodeSeals, "probe" | "backends">;
  readonly seal: Pick<SealLifecycle, "maintain">;
  readonly keyring: Pick<KeyringDuty, "maintain">;
  readonly logger: Logger;
}

const PERIOD_MS = 60_000;
/** Rounds between two looks at seals that are well; one that is not is looked at in every round. */
const PROBE_ROUNDS = 10;
const KEYRING_ROUNDS = 5;

/** What keys and seals need now and then. Nothing of it is urgent, and what fails is tried in the next round. */
export function startSealDuties(options: SealDutiesOptions): { round(): Promise<void>; stop(): void } {
  const { seals, seal, keyring, logger, isActive, isSealed } = options;
  let rounds = 0;

  async function attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isActive()) logger.warn(`${what} failed; will be tried again`, { reason: error instanceof Error ? error.message : String(error) });
    }
  }

  async function round(): Promise<void> {
    const count = rounds++;
    if (isSealed()) return;
    if (count % PROBE_ROUNDS === PROBE_ROUNDS - 1 || seals.backends().some(({ healthy }) => !healthy)) await seals.probe();
    if (!isActive()) return;
    await attempt("the upkeep of the seal", () => seal.maintain());
    if (count % KEYRING_ROUNDS === 0) await attempt("the upkeep of the keyring", () => keyring.maintain());
  }

  let running = Promise.resolve();
  const timer = setInterval(() => void (running = running.then(round)), PERIOD_MS);
  timer.unref();
  return { round, stop: () => clearInterval(timer) };
}
