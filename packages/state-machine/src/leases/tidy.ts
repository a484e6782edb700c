import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { WriteStorage } from "../framework/storage.js";
import { childrenKey, leaseKey, scheduleExpiry, tokenAt, tokenCodec, tokenKey } from "../tokens/index.js";
import type { Due } from "../tokens/index.js";
import { expireNow, getLease } from "./lease.js";

/**
 * Looks through what belongs to tokens or leases for what has lost its owner. Requests leave nothing of the kind, since they
 * commit all of it together; it is there for what a fault, or a restored file of another version, may have left.
 */
export type TidyScope = "tokens" | "leases";

interface Job {
  readonly phase: number;
  readonly after: string;
}

const SLICE = 512;
const jobCodec = jsonCodec<Job>();
const jobKey = (scope: TidyScope) => `tidy/${scope}`;

interface Phase {
  readonly folder: string;
  readonly check: (storage: WriteStorage, name: string, env: Environment) => void;
}

const PHASES: Readonly<Record<TidyScope, readonly Phase[]>> = {
  tokens: [
    {
      folder: leaseKey(""),
      check(storage, place) {
        const token = tokenAt(storage, place);
        if (token !== undefined && storage.get(tokenKey(token), tokenCodec)?.lease !== place) storage.delete(leaseKey(place));
      },
    },
    {
      folder: childrenKey(""),
      check(storage, name) {
        const [, child] = name.split("/");
        if (child !== undefined && !storage.get(tokenKey(child), tokenCodec)) storage.delete(childrenKey(name));
      },
    },
  ],
  leases: [
    {
      folder: "lease/token/",
      check(storage, name) {
        const slash = name.indexOf("/");
        if (slash > 0 && !getLease(storage, name.slice(slash + 1))) storage.delete(`lease/token/${name}`);
      },
    },
    {
      folder: leaseKey(""),
      check(storage, place, env) {
        const lease = getLease(storage, place);
        if (lease && lease.tokenId !== "" && lease.revokeError === "" && !storage.get(tokenKey(lease.tokenId), tokenCodec)) expireNow(storage, place, env);
      },
    },
  ],
};

/** False where one is under way already. The active node's worker goes on with it. */
export function startTidy(storage: WriteStorage, scope: TidyScope, env: Environment): boolean {
  if (storage.get(jobKey(scope), jobCodec)) return false;
  storage.put(jobKey(scope), jobCodec, { phase: 0, after: "" });
  scheduleExpiry(storage, env.now(), "tidy", scope);
  return true;
}

/** A slice of it. */
export async function continueTidy(storage: WriteStorage, { id, key }: Due, env: Environment): Promise<void> {
  const scope = id as TidyScope;
  const job = storage.get(jobKey(scope), jobCodec);
  const phase = job && PHASES[scope][job.phase];
  if (!phase) {
    storage.delete(jobKey(scope));
    storage.delete(key);
    return;
  }
  const names = await storage.keys(phase.folder, { limit: SLICE, after: job.after });
  for (const name of names) phase.check(storage, name, env);
  const last = names[names.length - 1];
  storage.put(jobKey(scope), jobCodec, names.length < SLICE || last === undefined ? { phase: job.phase + 1, after: "" } : { ...job, after: last });
}
