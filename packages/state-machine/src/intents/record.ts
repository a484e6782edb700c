import { jsonCodec } from "../framework/storage.js";
import type { WriteStorage } from "../framework/storage.js";
import { cancelExpiry, scheduleExpiry } from "../tokens/expiry.js";

/** An intent as stored, below `core/`: `wal/<mount uuid>/<id>`. Times in milliseconds since 1970. */
export interface IntentRecord {
  readonly mountUuid: string;
  readonly id: string;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly createdMs: number;
  /** When the worker takes it for abandoned, or tries again to undo its effect. */
  readonly dueMs: number;
  readonly attempts: number;
}

export const intentCodec = jsonCodec<IntentRecord>();
export const intentsOf = (mountUuid: string) => `wal/${mountUuid}/`;
export const intentKey = ({ mountUuid, id }: Pick<IntentRecord, "mountUuid" | "id">) => intentsOf(mountUuid) + id;
const dueId = ({ mountUuid, id }: IntentRecord) => `${mountUuid}/${id}`;

/** All of these take storage scoped to `core/`. */
export function putIntent(storage: WriteStorage, record: IntentRecord): void {
  storage.put(intentKey(record), intentCodec, record);
  scheduleExpiry(storage, record.dueMs, "intent", dueId(record));
}

export function forgetIntent(storage: WriteStorage, record: IntentRecord): void {
  storage.delete(intentKey(record));
  cancelExpiry(storage, record.dueMs, "intent", dueId(record));
}

export function rescheduleIntent(storage: WriteStorage, record: IntentRecord, change: Partial<Pick<IntentRecord, "dueMs" | "attempts">>): void {
  cancelExpiry(storage, record.dueMs, "intent", dueId(record));
  putIntent(storage, { ...record, ...change });
}
