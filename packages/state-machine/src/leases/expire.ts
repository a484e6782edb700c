import type { Environment } from "../framework/engine.js";
import type { WriteStorage } from "../framework/storage.js";
import { pathOfPlace } from "../mounts/index.js";
import type { Store, StoreTransaction } from "../store/index.js";
import { isExpired, releaseChildren, revokeTree, tokenCodec, tokenKey } from "../tokens/index.js";
import type { Due, ExpiryKind } from "../tokens/index.js";
import { expireSliceOf, getLease, markIrrevocable, reschedule } from "./lease.js";
import type { LeaseEntry } from "./lease.js";
import { origin } from "./origin.js";
import type { Origins } from "./origin.js";
import { LEASE_SLICE, continueSweep, revokeLease } from "./revoke.js";
import { rollBack } from "../intents/rollback.js";
import { expireFailures } from "../logins/lockout.js";
import { authorizationCodeKey } from "../identity/authorization-codes.js";
import { pendingKey } from "../mfa/index.js";
import { withinSeconds } from "./patience.js";
import type { Gather } from "./gather.js";
import { continueTidy } from "./tidy.js";
import { tokenRemoved } from "./token-removed.js";

export interface ExpireOptions extends Origins {
  readonly store: Store;
  readonly env: Environment;
  readonly gather: Gather;
}

/** How one thing that is due is dealt with. Rejects where that fails; then it is due again, later or in the next step. */
export type Expire = Readonly<Record<ExpiryKind, (due: Due) => Promise<void>>>;

const MS = 1000;
const MAX_ATTEMPTS = 6;
const FIRST_RETRY_MS = 10_000;
/** A lease whose revocation was given up is tried once a day, in case the other side has come back. */
const IRREVOCABLE_RETRY_MS = 86_400_000;
/** As long as Vault lets any request take. A revocation that hangs must not hold up all others. */
const PATIENCE_SECONDS = 90;
/** What has been due for so long makes no more room for clients. */
const LATEST_MS = 60_000;

export function createExpire({ store, env, gather, ...origins }: ExpireOptions): Expire {
  const removed = tokenRemoved(env);

  /** In one write set with what else is due. */
  async function together({ dueMs }: Due, work: (core: WriteStorage, tx: StoreTransaction) => Promise<void>): Promise<void> {
    // What is due at once, at 0, has been ordered just now.
    const patience = () => (dueMs === 0 ? 1 : Math.max(0, 1 - (env.now() - dueMs) / LATEST_MS));
    await store.transact((tx) => work(tx.scoped("core/"), tx), { commit: (evaluated) => gather(evaluated, patience()) });
  }

  const revokeDue = (due: Due): Promise<void> =>
    together(due, async (core, tx) => {
      const lease = getLease(core, due.id);
      // Gone, or renewed since the index was read.
      if (!lease || lease.dueMs > env.now()) core.delete(due.key);
      else await revokeLease(core, lease, (uuid) => origin(tx, uuid, { ...origins }));
    });

  /** Later each time; after the last attempt once a day. */
  async function postpone(id: string, error: unknown): Promise<LeaseEntry | undefined> {
    const { value } = await store.transact((tx) => {
      const core = tx.scoped("core/");
      const lease = getLease(core, id);
      if (!lease || lease.dueMs > env.now()) return undefined;
      const attempts = lease.attempts + 1;
      const retried = { ...lease, attempts };
      if (attempts >= MAX_ATTEMPTS) markIrrevocable(core, retried, error instanceof Error ? error.message : String(error), env.now() + IRREVOCABLE_RETRY_MS);
      else reschedule(core, retried, env.now() + FIRST_RETRY_MS * 2 ** attempts);
      return retried;
    });
    return value;
  }

  return {
    token: (due) =>
      together(due, async (core) => {
        const { id, key } = due;
        core.delete(key);
        const entry = core.get(tokenKey(id), tokenCodec);
        // Renewed since the index was read.
        if (!entry || isExpired(entry, env.now() / MS)) await revokeTree(core, id, removed);
      }),
    async lease(due) {
      try {
        await withinSeconds(PATIENCE_SECONDS, revokeDue(due));
      } catch (error) {
        const lease = await postpone(due.id, error);
        if (lease) throw new LeaseError(lease, store.evaluate((tx) => pathOfPlace(tx.scoped("core/"), lease.place)).value, error);
      }
    },
    /** One that waited for its second factor in vain. */
    login: (due) =>
      together(due, async (core) => {
        const { id, key } = due;
        core.delete(key);
        core.delete(pendingKey(id));
      }),
    /** One that nobody came back with. */
    code: (due) =>
      together(due, async (core) => {
        const { id, key } = due;
        core.delete(key);
        core.delete(authorizationCodeKey(id));
      }),
    lockout: (due) =>
      together(due, async (core) => {
        const { id, key } = due;
        core.delete(key);
        expireFailures(core, id, env.now());
      }),
    intent: (due) => withinSeconds(PATIENCE_SECONDS, rollBack(due, { store, env, ...origins })),
    tree: (due) => together(due, (core) => revokeTree(core, due.id, removed)),
    orphans: (due) => together(due, (core) => releaseChildren(core, due.id)),
    owner: (due) =>
      together(due, async (core) => {
        const { id, key } = due;
        if (await expireSliceOf(core, id, LEASE_SLICE, env)) core.delete(key);
      }),
    sweep: (due) => together(due, (core) => continueSweep(core, due.id, env)),
    tidy: (due) => together(due, (core) => continueTidy(core, due, env)),
  };
}

/** A revocation that failed; says which without the random end of the lease's id. */
export class LeaseError extends Error {
  readonly mountUuid: string;

  constructor({ mountUuid, attempts }: LeaseEntry, id: string, cause: unknown) {
    super(`revoking a lease below ${id.split("/").slice(0, -1).join("/")}, attempt ${attempts}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "LeaseError";
    this.mountUuid = mountUuid;
  }
}
