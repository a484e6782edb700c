import type { Mount } from "./engine.js";
import type { WriteStorage } from "./storage.js";

/**
 * Work outside of storage (a database user, an IAM user): intent, effect, confirm.
 *
 *     const intent = await mount.intents.begin("user", { name });   // committed at once
 *     await createUser(name);                                       // the effect
 *     mount.intents.confirm(intent);                                // commits with the lease, or not at all
 *
 * Whatever ends the request before its write set is committed (an error, a conflict, the node's death) leaves the intent, and
 * the active node calls the engine's `rollback` for it.
 */
export interface Intents {
  /**
   * Resolves with the intent's id once it is committed; throws RequestError 503 where that fails, and then nothing may be
   * done. `kind` is one that the engine declares; `data` is JSON, stored sealed: what `rollback` needs to know.
   */
  begin(kind: string, data: Readonly<Record<string, unknown>>): Promise<string>;
  /** The request's write set takes the intent back. Only ids that this very evaluation began. */
  confirm(id: string): void;
}

/** How the effect of an unconfirmed intent is undone; declared beside what has it. */
export interface IntentKind<Services = unknown> {
  readonly kind: string;
  /**
   * How old an intent is before it is taken for abandoned, if its request is not known to have failed; longer than any request
   * may take. Default 600, as in Vault.
   */
  readonly minAgeSeconds?: number;
  /** Must be idempotent: the effect may never have happened, and a failing one is tried again, later each time. */
  readonly rollback: (data: Readonly<Record<string, unknown>>, storage: WriteStorage, mount: Mount<Services>) => Promise<void> | void;
}
