import type { CompiledEngine } from "../framework/index.js";
import type { Environment, Mount, MountEntry, SecretKind } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { WriteStorage } from "../framework/storage.js";
import { expireFailures } from "../logins/lockout.js";
import { listMounts, mountRow, reapMounts } from "../mounts/index.js";
import type { Store } from "../store/index.js";
import { isExpired, parseExpiry, revokeTree, tokenCodec, tokenKey } from "../tokens/index.js";
import type { Due, TokenEntry } from "../tokens/index.js";
import { expireLeasesOf, forgetLease, getLease, reschedule } from "./lease.js";

export interface ExpirationOptions {
  readonly store: Store;
  readonly env: Environment;
  readonly engineFor: (entry: MountEntry) => CompiledEngine | undefined;
  readonly mountOf: (entry: MountEntry) => Mount<unknown>;
  readonly onError: (what: string, error: unknown) => void;
}

export interface ExpirationWorker {
  /** Does what is due now, a bounded slice of it. True when more is due. */
  step(): Promise<boolean>;
}

const SLICE = 64;
const REAPED_KEYS = 256;
const MAX_ATTEMPTS = 6;
const FIRST_RETRY_MS = 10_000;
const goneCodec = jsonCodec<Record<string, never>>();

/** What a removed token leaves behind: its leases end, its wrapped response goes, its cubbyhole is cleaned up later. */
export function tokenRemoved(env: Environment): (storage: WriteStorage, entry: TokenEntry) => Promise<void> {
  return async (storage, entry) => {
    storage.delete(`wrapping/${entry.id}`);
    if (entry.policies[0] !== "response-wrapping") storage.put(`token/gone/${entry.id}`, goneCodec, {});
    await expireLeasesOf(storage, entry.id, env);
  };
}

/**
 * The time-driven work of the active node. It reads the expiry index from its beginning, so it holds nothing in memory and
 * costs nothing at start, however many tokens and leases there are.
 */
export function createExpirationWorker({ store, env, engineFor, mountOf, onError }: ExpirationOptions): ExpirationWorker {
  async function dueNow(): Promise<Due[]> {
    const { value } = await store.evaluate((tx) => tx.keys("core/expire/", { limit: SLICE }));
    const now = env.now();
    return value.map(parseExpiry).filter((due) => due.dueMs <= now);
  }

  async function expireToken({ id, key }: Due): Promise<void> {
    await store.transact(async (tx) => {
      const core = tx.scoped("core/");
      core.delete(key);
      const entry = core.get(tokenKey(id), tokenCodec);
      // Renewed since the index was read.
      if (!entry || isExpired(entry, env.now() / 1000)) await revokeTree(core, id, tokenRemoved(env));
    });
  }

  async function expireLease({ id, key }: Due): Promise<void> {
    await store.transact(async (tx) => {
      const core = tx.scoped("core/");
      const lease = getLease(core, id);
      // Gone, or renewed since the index was read.
      if (!lease || lease.dueMs > env.now()) {
        core.delete(key);
        return;
      }
      try {
        const entry = mountRow(core, lease.mountUuid);
        const kind: SecretKind | undefined = entry && engineFor(entry)?.engine.secrets?.find(({ name }) => name === lease.kind);
        if (entry && kind) await kind.revoke(lease.internalData, tx.scoped(`logical/${entry.uuid}/`), mountOf(entry));
        forgetLease(core, lease);
      } catch (error) {
        const attempts = lease.attempts + 1;
        const revokeError = attempts >= MAX_ATTEMPTS ? String(error) : "";
        reschedule(core, { ...lease, attempts, revokeError }, env.now() + FIRST_RETRY_MS * 2 ** Math.min(attempts, MAX_ATTEMPTS + 4));
        onError(`revoking a lease below ${lease.id.split("/").slice(0, -1).join("/")}, attempt ${attempts}`, error);
      }
    });
  }

  async function expireLockout({ id, key }: Due): Promise<void> {
    await store.transact((tx) => {
      const core = tx.scoped("core/");
      core.delete(key);
      expireFailures(core, id, env.now());
    });
  }

  async function cleanCubbyholes(): Promise<boolean> {
    const { value } = await store.transact(async (tx) => {
      const core = tx.scoped("core/");
      const gone = await core.list("token/gone/", { limit: SLICE });
      const cubbyhole = listMounts(core, "secret").find(({ type }) => type === "cubbyhole");
      for (const id of gone) {
        if (cubbyhole) for (const key of await tx.keys(`logical/${cubbyhole.uuid}/${id}/`)) tx.delete(`logical/${cubbyhole.uuid}/${id}/${key}`);
        core.delete(`token/gone/${id}`);
      }
      return gone.length === SLICE;
    });
    return value;
  }

  /** Each mount's own work, a slice of it; one that fails does not keep the others from theirs. */
  async function workOfEngines(): Promise<boolean> {
    const { value: mounts } = store.evaluate((tx) => listMounts(tx.scoped("core/")));
    let more = false;
    for (const entry of mounts) {
      const periodic = engineFor(entry)?.engine.periodic;
      if (!periodic) continue;
      try {
        const { value } = await store.transact((tx) => periodic(tx.scoped(`logical/${entry.uuid}/`), mountOf(entry)));
        more ||= value;
      } catch (error) {
        onError(`the periodic work of ${entry.path}`, error);
      }
    }
    return more;
  }

  const expire = { token: expireToken, lease: expireLease, lockout: expireLockout } as const satisfies Record<Due["kind"], unknown>;
  return {
    async step() {
      const due = await dueNow();
      for (const one of due) {
        try {
          await expire[one.kind](one);
        } catch (error) {
          onError(`expiring a ${one.kind}`, error);
        }
      }
      const moreGone = await cleanCubbyholes();
      const moreWork = await workOfEngines();
      const reaped = await store.transact((tx) => reapMounts(tx, REAPED_KEYS));
      return due.length === SLICE || moreGone || moreWork || reaped.value;
    },
  };
}
