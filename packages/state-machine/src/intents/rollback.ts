import type { Environment } from "../framework/engine.js";
import { origin } from "../leases/origin.js";
import type { Origins } from "../leases/origin.js";
import type { Store } from "../store/index.js";
import type { Due } from "../tokens/expiry.js";
import { forgetIntent, intentCodec, rescheduleIntent } from "./record.js";
import type { IntentRecord } from "./record.js";

const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 600_000;
/** What a removed mount cannot undo is given up, so that the mount can go. */
const MAX_ATTEMPTS_OF_REMOVED = 10;

export interface RollbackOptions extends Origins {
  readonly store: Store;
  readonly env: Environment;
}

/** Undoes the effect of an intent that is due. Rejects where that fails; it is due again later. */
export async function rollBack({ id, key }: Due, { store, env, ...origins }: RollbackOptions): Promise<void> {
  const place = `wal/${id}`;
  // Rewritten before anything is undone: a request that still means to confirm it meets a conflict.
  const claim = await store.transact((tx) => {
    const core = tx.scoped("core/");
    const record = core.get(place, intentCodec);
    if (!record || record.dueMs > env.now()) {
      core.delete(key);
      return undefined;
    }
    const attempts = record.attempts + 1;
    rescheduleIntent(core, record, { attempts, dueMs: env.now() + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1)) });
    return { ...record, attempts };
  });
  if (claim.value === undefined || claim.outcome.outcome !== "applied") return;
  const { attempts } = claim.value;
  await store.transact(async (tx) => {
    const core = tx.scoped("core/");
    const record = core.get(place, intentCodec);
    if (!record) return;
    const found = origin(tx, record.mountUuid, origins);
    if (found && !(found.mount.entry.tainted && attempts > MAX_ATTEMPTS_OF_REMOVED)) {
      await kindOf(record, found.engine.intents).rollback(record.data, found.storage, found.mount);
    }
    forgetIntent(core, record);
  });
}

function kindOf<T extends { readonly kind: string }>({ kind }: IntentRecord, declared: readonly T[] | undefined): T {
  const found = declared?.find((one) => one.kind === kind);
  if (!found) throw new Error(`the engine no longer declares intents of the kind ${kind}`);
  return found;
}
