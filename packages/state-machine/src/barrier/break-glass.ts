import { RequestError } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { ProposeOutcome } from "../store/replicated-log.js";
import type { Store } from "../store/store.js";
import type { SealSet } from "./auto-seal.js";
import type { Barrier } from "./barrier.js";
import { isQuorumKey, readQuorum } from "./quorum.js";
import type { Quorum } from "./quorum.js";

/**
 * What a quorum of share holders may do to a running cluster, and what that takes. Shares given so far are kept in the
 * memory of the active node only, as in Vault: they are worth as much as the root key, so they are not written anywhere; an
 * attempt ends with the leadership it began under, and the holders begin another.
 */
export interface BreakGlass {
  readonly store: Store;
  readonly barrier: Barrier;
  readonly env: Environment;
  readonly seals: SealSet;
  /** The term in which this node is active; undefined where it is not. */
  readonly activeTerm: () => number | undefined;
  /** For the log. Never anything secret. */
  readonly note: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** An attempt that ends when its node is not active any more, or again in another term. */
export interface Attempts<Attempt extends { clear(): void }> {
  readonly current: () => Attempt | undefined;
  begin(attempt: Attempt): void;
  /** Overwrites what it holds. */
  end(): void;
}

export function createAttempts<Attempt extends { clear(): void }>({ activeTerm }: Pick<BreakGlass, "activeTerm">): Attempts<Attempt> {
  let held: { readonly attempt: Attempt; readonly term: number } | undefined;
  function end(): void {
    held?.attempt.clear();
    held = undefined;
  }
  return {
    current() {
      if (held && held.term !== activeTerm()) end();
      return held?.attempt;
    },
    begin(attempt) {
      const term = activeTerm();
      if (term === undefined) throw new RequestError("no_active_node", "this node is not the active node any more; try again");
      held = { attempt, term };
    },
    end,
  };
}

const raw = ({ store }: Pick<BreakGlass, "store">) => ({ getRaw: (key: string) => store.evaluate((tx) => tx.getRaw(key)).value });

export const quorumOf = (parts: Pick<BreakGlass, "store">): Quorum => readQuorum(raw(parts));

/** Whether this key is that of the quorum. Overwrites it if not. */
export function isAuthorised(parts: Pick<BreakGlass, "store" | "barrier">, quorum: Quorum, key: Uint8Array): boolean {
  const { barrier } = parts;
  const right = isQuorumKey(raw(parts), { rootKey: barrier.rootKey(), keyring: barrier.keyring() }, quorum, key);
  if (!right) key.fill(0);
  return right;
}

/** True when it is known to be in force, false when nobody can tell; throws RequestError when nothing changed. */
export function settled({ outcome }: Pick<ProposeOutcome, "outcome">): boolean {
  if (outcome === "applied") return true;
  if (outcome === "unknown") return false;
  throw new RequestError("no_active_node", "the change could not be stored, and everything is as it was; try again");
}
