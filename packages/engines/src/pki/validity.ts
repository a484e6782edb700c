import { goDuration, invalid } from "@coffer/state-machine";
import type { Mount } from "@coffer/state-machine";
import { parseRfc3339 } from "./role.js";
import type { NotAfterBehavior } from "./storage.js";

export interface ValidityRules {
  readonly ttl: number;
  readonly max_ttl: number;
  readonly not_before_duration: number;
  /** RFC 3339, or empty. */
  readonly not_after: string;
}

export interface ValidityWishes {
  /** Seconds. */
  readonly ttl?: number | undefined;
  readonly not_after?: string | undefined;
}

export interface Validity {
  /** Milliseconds since 1970, whole seconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly warnings: readonly string[];
}

/** The issuer's own end, and what is done with a certificate that would outlive it; absent for a root. */
export interface Bound {
  readonly notAfterMs: number;
  readonly behavior: NotAfterBehavior;
}

const MS = 1000;
const wholeSecond = (ms: number) => Math.floor(ms / MS) * MS;
const text = (ms: number) => new Date(ms).toISOString().replace(".000Z", "Z");

/** Throws RequestError 400 where no time can be agreed on. */
export function agreeValidity(rules: ValidityRules, wishes: ValidityWishes, mount: Mount, bound: Bound | undefined): Validity {
  const now = mount.env.now();
  const warnings: string[] = [];
  const given = rules.not_after || (wishes.not_after ?? "");
  const asked = wishes.ttl ?? 0;
  if (asked > 0 && given !== "") throw invalid("Either ttl or not_after should be provided. Both should not be provided in the same request.");
  let ttl = asked || rules.ttl || mount.defaultLeaseTtlSeconds;
  const max = rules.max_ttl || mount.maxLeaseTtlSeconds;
  if (ttl > max) {
    if (asked > 0) warnings.push(`TTL ${JSON.stringify(goDuration(ttl))} is longer than permitted maxTTL ${JSON.stringify(goDuration(max))}, so maxTTL is being used`);
    ttl = max;
  }
  let notAfterMs = wholeSecond(given === "" ? now + ttl * MS : parseRfc3339(given, "not_after"));
  if (bound && notAfterMs > bound.notAfterMs) {
    if (bound.behavior === "truncate") notAfterMs = bound.notAfterMs;
    else if (bound.behavior === "err") {
      throw invalid(`cannot satisfy request, as TTL would result in notAfter of ${text(notAfterMs)} that is beyond the expiration of the CA certificate at ${text(bound.notAfterMs)}`);
    }
  }
  const notBeforeMs = wholeSecond(now - rules.not_before_duration * MS);
  if (notAfterMs <= notBeforeMs) throw invalid(`cannot satisfy request, as NotAfter date ${text(notAfterMs)} is in the past`);
  return { notBeforeMs, notAfterMs, warnings };
}
