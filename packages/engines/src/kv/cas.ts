import { invalid, isPlainObject } from "@coffer/state-machine";
import type { KvConfig, Metadata } from "./model.js";

/** The `cas` of a write's options: a whole number, also as text. Undefined when it was not given. */
export function casOf(options: Readonly<Record<string, unknown>> | undefined): number | undefined {
  if (!isPlainObject(options) || options["cas"] === undefined || options["cas"] === null) return undefined;
  const cas = Number(options["cas"]);
  if (!Number.isSafeInteger(cas) || typeof options["cas"] === "boolean" || options["cas"] === "") throw invalid(`error parsing check-and-set parameter: ${JSON.stringify(options["cas"])} is not a whole number`);
  return cas;
}

/** Throws RequestError 400 where check-and-set is demanded and missing, or does not match. */
export function checkCas(cas: number | undefined, metadata: Metadata | undefined, config: KvConfig): void {
  if (cas === undefined) {
    if (config.cas_required || metadata?.cas_required) throw invalid("check-and-set parameter required for this call");
    return;
  }
  if (cas !== (metadata?.current_version ?? 0)) throw invalid("check-and-set parameter did not match the current version");
}
