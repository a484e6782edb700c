import type { MountEntry, WriteMount } from "../framework/index.js";
import { NO_INTENTS } from "../intents/ledger.js";
import { fullPath } from "../mounts/index.js";
import type { CoreOptions } from "./core.js";

/** A row of the mount table as its engine's handlers see it. */
export function mountView({ limits, env, servicesFor }: Pick<CoreOptions, "limits" | "env" | "servicesFor">): (entry: MountEntry) => WriteMount {
  return (entry) => {
    const { default_lease_ttl: low, max_lease_ttl: high } = entry.config;
    return {
      entry,
      fullPath: fullPath(entry),
      defaultLeaseTtlSeconds: low > 0 ? low : Math.min(limits.defaultLeaseTtl, high > 0 ? high : Infinity),
      maxLeaseTtlSeconds: high > 0 ? high : limits.maxLeaseTtl,
      env,
      intents: NO_INTENTS,
      services: servicesFor(entry.type),
    };
  };
}
