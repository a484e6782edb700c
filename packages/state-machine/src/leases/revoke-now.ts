import { RequestError } from "../errors.js";
import type { Apart, Environment } from "../framework/engine.js";
import { tokenRemoved } from "./expire.js";
import { forgetLease, getLease } from "./lease.js";
import { LEASE_SLICE, failedRevocation, leasesBelow, revokeLease, sweepTokens, tokensOf } from "./revoke.js";

/** Of one page of leases at the same time. */
const CONCURRENCY = 16;

export interface RevokeNow {
  /** Forgets leases whose revocation fails: what they stand for may go on existing. */
  readonly force: boolean;
  readonly apart: Apart;
}

/** Revokes the leases at and below a path, and the tokens made there, before it resolves. Throws where one fails, unless forced. */
export async function revokeNow(prefix: string, { force, apart }: RevokeNow, env: Environment): Promise<void> {
  async function revoke(id: string): Promise<void> {
    try {
      await apart(async (storage, neighbour) => {
        const lease = getLease(storage, id);
        if (lease) await revokeLease(storage, lease, neighbour);
      });
    } catch (error) {
      if (error instanceof RequestError && error.code === "no_active_node") throw error;
      if (!force) throw failedRevocation(prefix, error);
      await apart((storage) => {
        const lease = getLease(storage, id);
        if (lease) forgetLease(storage, lease);
      });
    }
  }

  await revoke(prefix);
  for (let after = ""; ; ) {
    const ids = await apart((storage) => leasesBelow(storage, prefix, after));
    const waiting = ids[Symbol.iterator]();
    const lane = async (): Promise<void> => {
      for (const id of waiting) await revoke(id);
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, ids.length) }, lane));
    if (ids.length < LEASE_SLICE) break;
    after = ids[ids.length - 1]!;
  }
  const removed = tokenRemoved(env);
  for (let rest = tokensOf(prefix, env); rest; ) {
    const current = rest;
    rest = await apart((storage) => sweepTokens(storage, current, removed));
  }
}
