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
  readonly not_before?: string;
  /** What callers may say; absent: anything. See the role's settings of these names. */
  readonly not_before_bound?: string;
  readonly not_after_bound?: string;
}

export interface ValidityWishes {
  /** Seconds. */
  readonly ttl?: number | undefined;
  readonly not_before?: string | undefined;
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
  const given = askedEnd(rules, wishes);
  const asked = wishes.ttl ?? 0;
  if (asked > 0 && given !== "") throw invalid("Either ttl or not_after should be provided. Both should not be provided in the same request.");
  let ttl = asked || rules.ttl || mount.defaultLeaseTtlSeconds;
  const max = rules.max_ttl || mount.maxLeaseTtlSeconds;
  if (ttl > max) {
    warnings.push(`TTL ${JSON.stringify(goDuration(ttl))} is longer than permitted maxTTL ${JSON.stringify(goDuration(max))}, so maxTTL is being used`);
    ttl = max;
  }
  let notAfterMs = wholeSecond(given === "" ? now + ttl * MS : parseRfc3339(given, "not_after"));
  if (rules.not_after_bound === "ttl-limited" && given !== "" && notAfterMs > now + ttl * MS) throw invalid(`not_after_bound is set to ttl-limited. Cannot satisfy request as that would result in notAfter of ${text(notAfterMs)} that is beyond the TTL of ${goDuration(ttl)}`);
  if (bound && notAfterMs > bound.notAfterMs) {
    if (bound.behavior === "truncate") notAfterMs = bound.notAfterMs;
    else if (bound.behavior !== "permit") {
      throw invalid(`cannot satisfy request, as TTL would result in notAfter of ${text(notAfterMs)} that is beyond the expiration of the CA certificate at ${text(bound.notAfterMs)}`);
    }
  }
  const latestMs = latest(rules);
  if (notAfterMs > latestMs) throw invalid(`not_after_bound is set to ${rules.not_after_bound}. Cannot satisfy request as that would result in notAfter of ${text(notAfterMs)} that is beyond the maximum timestamp of ${text(latestMs)}`);
  const notBeforeMs = beginning(rules, wishes, now);
  if (notAfterMs <= Math.min(now, notBeforeMs)) throw invalid(`cannot satisfy request, as NotAfter date ${text(notAfterMs)} is in the past`);
  if (notAfterMs <= notBeforeMs) throw invalid(`cannot satisfy request, as NotAfter date ${text(notAfterMs)} is not after NotBefore date ${text(notBeforeMs)}`);
  return { notBeforeMs, notAfterMs, warnings };
}

/** Throws RequestError 400. */
function askedEnd({ not_after, not_after_bound }: ValidityRules, wishes: ValidityWishes): string {
  const asked = wishes.not_after ?? "";
  if (not_after !== "" || asked === "") return not_after;
  if (not_after_bound === "forbid") throw invalid("not_after_bound is set to forbid. not_after cannot be provided.");
  return asked;
}

function latest({ not_after_bound = "permit" }: ValidityRules): number {
  return ["permit", "forbid", "ttl-limited"].includes(not_after_bound) ? Infinity : parseRfc3339(not_after_bound, "not_after_bound");
}

/** Milliseconds since 1970, whole seconds. Throws RequestError 400. */
function beginning({ not_before = "", not_before_bound = "permit", not_before_duration }: ValidityRules, wishes: ValidityWishes, now: number): number {
  const asked = wishes.not_before ?? "";
  const earliest = wholeSecond(now - not_before_duration * MS);
  if (not_before !== "") return wholeSecond(parseRfc3339(not_before, "not_before"));
  if (asked === "") return earliest;
  if (not_before_bound === "forbid") throw invalid("not_before_bound is set to forbid. not_before cannot be provided.");
  const ms = wholeSecond(parseRfc3339(asked, "not_before"));
  if (not_before_bound === "duration" && ms < earliest) throw invalid(`not_before_bound is set to duration. Cannot satisfy request as it would result in notBefore of ${text(ms)} that is older than the allowed not_before_duration of ${goDuration(not_before_duration)}`);
  return ms;
}
