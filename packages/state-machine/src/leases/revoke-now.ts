import { RequestError } from "../errors.js";
import type { Apart, Environment } from "../framework/engine.js";
import type { Place } from "../mounts/index.js";
import { tokenAt } from "../tokens/index.js";
import { findLease, forgetLease, getLease } from "./lease.js";
import { endLease, failedRevocation, foldersBelow, leasePage, revokeLease } from "./revoke.js";

/** Of one page of leases at the same time. */
const CONCURRENCY = 16;

export interface RevokeNow {
  /** Forgets leases whose revocation fails: what they stand for may go on existing. */
  readonly force: boolean;
  readonly apart: Apart;
}

/** Revokes the leases at and below a path, and the tokens made there, before it resolves. Throws where one fails, unless forced. */
export async function revokeNow(prefix: string, { force, apart }: RevokeNow, env: Environment): Promise<void> {
  async function revoke(place: Place): Promise<void> {
    try {
      await apart(async (storage, neighbour) => {
        const lease = getLease(storage, place);
        if (lease) await revokeLease(storage, lease, neighbour);
      });
    } catch (error) {
      if (error instanceof RequestError && error.code === "no_active_node") throw error;
      if (!force) throw failedRevocation(prefix, error);
      await apart((storage) => {
        const lease = getLease(storage, place);
        if (lease) forgetLease(storage, lease);
      });
    }
  }

  const endTokens = (places: readonly Place[]) =>
    apart(async (storage) => {
      for (const place of places) if (tokenAt(storage, place) !== undefined) await endLease(storage, place, env);
    });

  const { own, folders } = await apart((storage) => ({ own: findLease(storage, prefix), folders: foldersBelow(storage, prefix) }));
  if (own !== undefined) {
    await endTokens([own]);
    await revoke(own);
  }
  for (const folder of folders) {
    for (let after: string | undefined = ""; after !== undefined; ) {
      const from: string = after;
      const { secrets, tokens, next } = await apart((storage) => leasePage(storage, folder, from));
      if (tokens.length > 0) await endTokens(tokens);
      const waiting = secrets[Symbol.iterator]();
      const lane = async (): Promise<void> => {
        for (const place of waiting) await revoke(place);
      };
      await Promise.all(Array.from({ length: Math.min(CONCURRENCY, secrets.length) }, lane));
      after = next;
    }
  }
}
