import type { Environment, ReadStorage } from "../framework/index.js";
import { expireNow, failedRevocation, getLease, irrevocableLeases, leaseFolder, renewLease, revokeBelow, revokeLease, revokeNow, startTidy } from "../leases/index.js";
import type { LeaseEntry } from "../leases/index.js";
import { mountRow } from "../mounts/index.js";
import type { LeaseTable, LeaseView } from "./rooms.js";

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

function leaseView(entry: LeaseEntry, env: Environment): LeaseView {
  return {
    id: entry.id,
    issueTime: iso(entry.issueTime),
    expireTime: iso(entry.expireTime),
    lastRenewal: entry.lastRenewal > 0 ? iso(entry.lastRenewal) : null,
    renewable: entry.renewable,
    ttlSeconds: Math.max(0, Math.floor(entry.expireTime - env.now() / 1000)),
  };
}

/** Leases as sys/ shows and ends them. */
export function leaseRoom(env: Environment): LeaseTable {
  return {
    lookup(storage, id) {
      const entry = getLease(storage, id);
      return entry && leaseView(entry, env);
    },
    list: (storage, prefix) => storage.list(leaseFolder(prefix)),
    async renew(storage, id, increment, neighbour) {
      const { entry, warnings } = await renewLease(storage, id, increment, neighbour, env);
      return { id: entry.id, renewable: entry.renewable, durationSeconds: entry.ttl, warnings };
    },
    async revoke(storage, id, sync) {
      const lease = sync && getLease(storage, id);
      if (!lease) {
        // The active node's worker revokes what is due, within a second.
        expireNow(storage, id, env);
        return;
      }
      try {
        await revokeLease(storage, lease, sync);
      } catch (error) {
        throw failedRevocation(id, error);
      }
    },
    revokePrefix: (storage, prefix, how) => (how.kind === "later" ? revokeBelow(storage, prefix, env) : revokeNow(prefix, how, env)),
    tidy: (storage) => startTidy(storage, "leases", env),
    irrevocable: async (storage) => (await irrevocableLeases(storage)).flatMap((id) => irrevocable(storage, id)),
  };
}

function irrevocable(storage: ReadStorage, id: string): { readonly id: string; readonly mountAccessor: string; readonly error: string }[] {
  const lease = getLease(storage, id);
  return lease ? [{ id, mountAccessor: mountRow(storage, lease.mountUuid)?.accessor ?? "", error: lease.revokeError }] : [];
}
