import type { SealBackend } from "@coffer/state-machine";
import type { Logger } from "../logging/logger.js";
import type { Seal, SealType } from "./seal.js";

export interface SealSettings {
  readonly name: string;
  readonly type: SealType;
  /** Lower numbers come first. */
  readonly priority: number;
  /** Opens what it wrapped before, and wraps nothing any more. */
  readonly disabled: boolean;
}

export interface CallCounts {
  count: number;
  errors: number;
  milliseconds: number;
}

/** A seal of the configuration, with what became of its use so far. */
export interface TrackedSeal extends SealSettings, Seal {
  readonly health: () => SealBackend;
  readonly counts: { readonly encrypt: Readonly<CallCounts>; readonly decrypt: Readonly<CallCounts> };
}

/** `now` gives milliseconds since 1970. */
export function trackSeal(settings: SealSettings, seal: Seal, logger: Logger, now: () => number): TrackedSeal {
  const counts = { encrypt: { count: 0, errors: 0, milliseconds: 0 }, decrypt: { count: 0, errors: 0, milliseconds: 0 } };
  let unhealthySince: number | undefined;

  async function track<T>(call: CallCounts, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    call.count += 1;
    try {
      const result = await work();
      if (unhealthySince !== undefined) logger.info("a seal works again", { seal: settings.name, type: settings.type, after_seconds: Math.round((now() - unhealthySince) / 1000) });
      unhealthySince = undefined;
      return result;
    } catch (error) {
      call.errors += 1;
      if (unhealthySince === undefined) logger.warn("a seal cannot be used", { seal: settings.name, type: settings.type, reason: error instanceof Error ? error.message : String(error) });
      unhealthySince ??= now();
      throw error;
    } finally {
      call.milliseconds += performance.now() - began;
    }
  }

  return {
    ...settings,
    keyId: seal.keyId,
    counts,
    wrap: (plaintext) => track(counts.encrypt, () => seal.wrap(plaintext)),
    unwrap: (ciphertext) => track(counts.decrypt, () => seal.unwrap(ciphertext)),
    health: () => ({ name: settings.name, healthy: unhealthySince === undefined, ...(unhealthySince !== undefined && { unhealthySince }) }),
    close: () => seal.close(),
  };
}
