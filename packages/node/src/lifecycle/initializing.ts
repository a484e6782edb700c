import { encryptShares, initialize, pgpRecipient, pgpRecipients, RequestError, writeGenesis } from "@coffer/state-machine";
import type { Barrier, Environment, InitRequest, InitResult, PgpRecipient, SealSet, Store } from "@coffer/state-machine";

export interface FirstState {
  readonly store: Store;
  readonly barrier: Barrier;
  readonly env: Environment;
  readonly seals: SealSet;
  readonly clusterName: string | undefined;
  /** For -dev. */
  readonly rootTokenText?: string;
}

export interface FirstStatePlan {
  readonly isAuto: boolean;
  readonly shares: number;
  readonly threshold: number;
  /** Whom the shares are for; none: whoever asked. */
  readonly holders: readonly PgpRecipient[];
  readonly rootHolder: PgpRecipient | undefined;
}

/**
 * What a new cluster's first write is made with: checked, and nothing made yet. PGP keys are read before any key exists, so
 * that a bad one costs nothing. Rejects with RequestError 400.
 */
export async function planFirstState(request: InitRequest, { seals }: Pick<FirstState, "seals">): Promise<FirstStatePlan> {
  const isAuto = seals.type !== "shamir";
  const keys = (isAuto ? request.recoveryPgpKeys : request.pgpKeys) ?? [];
  return {
    isAuto,
    shares: isAuto ? (request.recoveryShares ?? 0) : request.secretShares,
    threshold: isAuto ? (request.recoveryThreshold ?? 0) : request.secretThreshold,
    holders: await pgpRecipients(keys),
    rootHolder: request.rootTokenPgpKey ? await pgpRecipient(request.rootTokenPgpKey) : undefined,
  };
}

/** One write set: keys, mounts, policies, root token. Leaves the barrier unlocked. Rejects with RequestError. */
export async function writeFirstState({ isAuto, shares, threshold, holders, rootHolder }: FirstStatePlan, parts: FirstState): Promise<InitResult> {
  const { store, barrier, env, seals, clusterName, rootTokenText } = parts;
  const { value, outcome } = await store.transact(async (tx) => {
    const made = await initialize(tx, { shares, threshold, env, seals, ...(clusterName !== undefined && { clusterName }) });
    barrier.unlock(made.keys);
    const { rootToken } = writeGenesis(tx.scoped("core/"), env, rootTokenText === undefined ? {} : { rootToken: rootTokenText });
    return { keys: made.shares, rootToken };
  });
  if (outcome.outcome !== "applied") throw new RequestError("internal", "the new cluster's first write did not succeed; nothing was initialized, try again");
  const told = holders.length > 0 ? await encryptShares(value.keys, holders) : value.keys;
  const rootToken = rootHolder ? Buffer.from(await rootHolder.encrypt(Buffer.from(value.rootToken))).toString("base64") : value.rootToken;
  return isAuto ? { keys: [], recoveryKeys: told, rootToken } : { keys: told, rootToken };
}
