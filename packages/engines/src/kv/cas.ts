import { invalid } from "@coffer/state-machine";
import type { KvConfig, Metadata } from "./storage.js";

type Options = Readonly<Record<string, unknown>> | undefined;

/**
 * Check-and-set: a write may say which version it replaces (`options.cas`; 0: none), and a mount or a secret may demand it.
 * Throws RequestError 400 where that is missing, no whole number, or not the current version.
 */
export function checkCas(options: Options, metadata: Metadata | undefined, config: KvConfig): void {
  if (options === undefined || !Object.hasOwn(options, "cas")) {
    if (config.cas_required || metadata?.cas_required) throw invalid("check-and-set parameter required for this call");
    return;
  }
  if (parseCas(options["cas"]) !== (metadata?.current_version ?? 0)) throw invalid("check-and-set parameter did not match the current version");
}

/** As weakly typed as Vault: "3" is 3, and null, "" and false are 0, which is the strictest of all. */
function parseCas(value: unknown): number {
  const isScalar = value === null || ["string", "number", "boolean"].includes(typeof value);
  const cas = isScalar ? Number(value) : NaN;
  if (!Number.isSafeInteger(cas)) throw invalid("error parsing check-and-set parameter");
  return cas;
}
