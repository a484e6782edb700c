import type { Environment, ReadStorage } from "../framework/index.js";
import { endLease, failedRevocation, findLease, getLease, irrevocableLeases, renewLease, revokeBelow, revokeLease, revokeNow, startTidy } from "../leases/index.js";
import { below, mountRow, pathOfPlace } from "../mounts/index.js";
import type { Place } from "../mounts/index.js";
import { isExpired, leaseKey, tokenAt, tokenCodec, tokenKey } from "../tokens/index.js";
import type { IrrevocableLease, LeaseTable, LeaseView } from "./rooms.js";

const MS = 1000;
const iso = (seconds: number) => new Date(seconds * MS).toISOString();

/** What a lease and a token have in common. */
interface Times {
  readonly issueTime: number;
  readonly expireTime: number;
  readonly lastRenewal: number;
  readonly renewable: boolean;
}

function timesOf(storage: ReadStorage, place: Place, env: Environment): Times | undefined {
  const id = tokenAt(storage, place);
  if (id === undefined) return getLease(storage, place);
  const token = storage.get(tokenKey(id), tokenCodec);
  return token && token.numUses >= 0 && !isExpired(token, env.now() / MS) ? { ...token, issueTime: token.creationTime } : undefined;
}

function leaseView(storage: ReadStorage, id: string, env: Environment): LeaseView | undefined {
  const place = findLease(storage, id);
  const times = place === undefined ? undefined : timesOf(storage, place, env);
  if (place === undefined || !times) return undefined;
  return {
    id: pathOfPlace(storage, place),
    issueTime: iso(times.issueTime),
    expireTime: iso(times.expireTime),
    lastRenewal: times.lastRenewal > 0 ? iso(times.lastRenewal) : null,
    renewable: times.renewable,
    ttlSeconds: Math.max(0, Math.floor(times.expireTime - env.now() / MS)),
  };
}

/** Direct children of a path: of what mounts there gave out, and of the way to mounts below it that gave out anything. */
async function children(storage: ReadStorage, prefix: string): Promise<string[]> {
  const { inside, mounts } = below(storage, prefix);
  const names = new Set<string>();
  for (const folder of inside) for (const name of await storage.list(leaseKey(folder))) names.add(name);
  for (const entry of mounts) {
    const path = (entry.table === "auth" ? "auth/" : "") + entry.path;
    const name = path.slice(prefix.length, path.indexOf("/", prefix.length) + 1);
    if (!names.has(name) && (await storage.keys(leaseKey(`${entry.uuid}/`), { limit: 1 })).length > 0) names.add(name);
  }
  return [...names].sort();
}

/** Leases as sys/ shows and ends them. */
export function leaseRoom(env: Environment): LeaseTable {
  return {
    lookup: (storage, id) => leaseView(storage, id, env),
    list: children,
    async renew(storage, id, increment, neighbour) {
      const { entry, warnings } = await renewLease(storage, id, increment, neighbour, env);
      return { id: pathOfPlace(storage, entry.place), renewable: entry.renewable, durationSeconds: entry.ttl, warnings };
    },
    async revoke(storage, id, sync) {
      const place = findLease(storage, id);
      if (place === undefined) return;
      const lease = sync && getLease(storage, place);
      if (!lease) {
        // The active node's worker revokes what is due, within a second.
        await endLease(storage, place, env);
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
    irrevocable,
  };
}

/** Those that ended first come first. */
async function irrevocable(storage: ReadStorage): Promise<readonly IrrevocableLease[]> {
  const leases = (await irrevocableLeases(storage)).flatMap((place) => getLease(storage, place) ?? []);
  return leases
    .sort((a, b) => a.expireTime - b.expireTime || (a.place < b.place ? -1 : 1))
    .map(({ place, mountUuid, revokeError }) => ({ id: pathOfPlace(storage, place), mountAccessor: mountRow(storage, mountUuid)?.accessor ?? "", error: revokeError }));
}
