import type { Environment } from "../framework/engine.js";
import type { AuthGrant } from "../framework/response.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { cancelExpiry, scheduleExpiry } from "../tokens/expiry.js";
import type { TtlLimits } from "../tokens/ttl.js";

/** A login that waits for its second factor, below `core/`: `mfa/pending/<request id>`. It outlives a failover, not its time. */
export interface PendingLogin {
  readonly grant: AuthGrant;
  readonly mountUuid: string;
  readonly mountTokenType: string | undefined;
  readonly path: string;
  readonly limits: TtlLimits;
  readonly entityId: string;
  /** For the quotas of roles; empty: none. Absent in what an older version put by. */
  readonly loginRole?: string;
  /** Milliseconds since 1970. */
  readonly expireMs: number;
}

/** As Vault: five minutes. */
const LIFETIME_MS = 300_000;
const codec = jsonCodec<PendingLogin>();
export const pendingKey = (requestId: string) => `mfa/pending/${requestId}`;

/** Returns the id that sys/mfa/validate takes. */
export function putPending(storage: WriteStorage, login: Omit<PendingLogin, "expireMs">, env: Environment): string {
  const requestId = env.uuid();
  const expireMs = env.now() + LIFETIME_MS;
  storage.put(pendingKey(requestId), codec, { ...login, expireMs });
  scheduleExpiry(storage, expireMs, "login", requestId);
  return requestId;
}

export function getPending(storage: ReadStorage, requestId: string, env: Environment): PendingLogin | undefined {
  const login = requestId === "" ? undefined : storage.get(pendingKey(requestId), codec);
  return login && login.expireMs > env.now() ? login : undefined;
}

export function removePending(storage: WriteStorage, requestId: string, { expireMs }: PendingLogin): void {
  storage.delete(pendingKey(requestId));
  cancelExpiry(storage, expireMs, "login", requestId);
}
