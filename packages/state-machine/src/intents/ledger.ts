import { RequestError } from "../errors.js";
import type { Engine, Environment, MountEntry } from "../framework/engine.js";
import type { Intents } from "../framework/intent.js";
import type { Store, StoreTransaction } from "../store/index.js";
import { forgetIntent, intentCodec, intentKey, putIntent, rescheduleIntent } from "./record.js";
import type { IntentRecord } from "./record.js";

const DEFAULT_MIN_AGE_SECONDS = 600;
const MS = 1000;

/** What one request, over all of its evaluations, has begun outside. */
export interface IntentLedger {
  /** For a new evaluation: whatever an earlier one confirmed did not come about. */
  intents(tx: StoreTransaction, entry: MountEntry, engine: Engine): Intents;
  /**
   * When it is certain what became of the request: what was begun and is not confirmed by the write set that was applied is
   * undone soon, rather than at its minimum age. Undefined where there is nothing of the kind; never rejects.
   */
  settle(applied: boolean): Promise<void> | undefined;
}

interface Begun {
  readonly record: IntentRecord;
  /** Log index that it was committed at. */
  readonly version: number;
}

/** For engines that declare no intents. */
export const NO_INTENTS: Intents = Object.freeze({
  begin: () => Promise.reject(new Error("the engine declares no intents")),
  confirm: () => {
    throw new Error("the engine declares no intents");
  },
});

export function createIntentLedger(store: Store, env: Environment): IntentLedger {
  const begun = new Map<string, Begun>();
  let confirmed = new Set<string>();

  async function begin(entry: MountEntry, engine: Engine, kind: string, data: IntentRecord["data"]): Promise<string> {
    const declared = engine.intents?.find((one) => one.kind === kind);
    if (!declared) throw new Error(`${engine.type} does not declare intents of the kind ${kind}`);
    const createdMs = env.now();
    const record: IntentRecord = { mountUuid: entry.uuid, id: env.uuid(), kind, data, createdMs, dueMs: createdMs + (declared.minAgeSeconds ?? DEFAULT_MIN_AGE_SECONDS) * MS, attempts: 0 };
    const { outcome } = await store.transact((tx) => putIntent(tx.scoped("core/"), record));
    if (outcome.outcome !== "applied") throw new RequestError("no_active_node", "the intent of the request could not be recorded; try again");
    begun.set(record.id, { record, version: outcome.index });
    return record.id;
  }

  function confirm(tx: StoreTransaction, id: string): void {
    const found = begun.get(id);
    if (!found) throw new Error("an intent is confirmed that was not begun");
    // Whoever undoes it rewrites it first: of the two, one comes too late and notices.
    tx.expect(`core/${intentKey(found.record)}`, found.version);
    forgetIntent(tx.scoped("core/"), found.record);
    confirmed.add(id);
  }

  async function abandon(records: readonly IntentRecord[]): Promise<void> {
    try {
      await store.transact((tx) => {
        const core = tx.scoped("core/");
        for (const record of records) if (core.get(intentKey(record), intentCodec)) rescheduleIntent(core, record, { dueMs: env.now() });
      });
    } catch {
      // Sealed, or no longer the leader: they are due at their minimum age.
    }
  }

  return {
    intents(tx, entry, engine) {
      confirmed = new Set();
      const own = new Set<string>();
      return {
        async begin(kind, data) {
          const id = await begin(entry, engine, kind, data);
          own.add(id);
          return id;
        },
        confirm(id) {
          if (!own.has(id)) throw new Error("an intent is confirmed that this evaluation did not begin");
          confirm(tx, id);
        },
      };
    },
    settle(applied) {
      const left = [...begun.values()].filter(({ record }) => !(applied && confirmed.has(record.id))).map(({ record }) => record);
      begun.clear();
      return left.length === 0 ? undefined : abandon(left);
    },
  };
}
