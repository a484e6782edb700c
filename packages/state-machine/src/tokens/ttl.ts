/** How long tokens and leases live. All in seconds. */
export interface TtlLimits {
  /** For those who ask for nothing. */
  readonly defaultTtl: number;
  /** 0: none. */
  readonly maxTtl: number;
}

export interface TtlRules {
  /** A periodic token lives as long as it is renewed in time, each time for the period; 0: it is not periodic. */
  readonly period: number;
  /** Counted from the beginning, and not to be renewed beyond; 0: none. */
  readonly explicitMaxTtl: number;
  /** Time since the beginning. */
  readonly age: number;
}

export interface ClippedTtl {
  /** From now; 0 where nothing is left of the maximum. */
  readonly ttl: number;
  readonly warnings: readonly string[];
}

/** The TTL that is given: what was asked for (0: the default, or the period), within what remains of the maxima. */
export function clipTtl(asked: number, { period, explicitMaxTtl, age }: TtlRules, { defaultTtl, maxTtl }: TtlLimits): ClippedTtl {
  const max = Math.min(maxTtl || Infinity, explicitMaxTtl || Infinity);
  const warnings: string[] = [];
  let ttl = asked || defaultTtl;
  if (period > 0) {
    ttl = Math.min(period, max);
    if (ttl < period) warnings.push(`period of "${shortDuration(period)}" exceeded the effective max_ttl of "${shortDuration(max)}"; period value is capped accordingly`);
  }
  // Only an explicit maximum ends a periodic token.
  const left = Math.max(0, (period > 0 ? explicitMaxTtl || Infinity : max) - age);
  if (ttl > left) {
    warnings.push(`TTL of "${shortDuration(ttl)}" exceeded the effective max_ttl of "${shortDuration(left)}"; TTL value is capped accordingly`);
    ttl = left;
  }
  return { ttl, warnings };
}

/** As Vault's warnings show a duration: "2h", "1h30m", "45s". */
export function shortDuration(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = `${h > 0 ? `${h}h` : ""}${m > 0 || (h > 0 && s > 0) ? `${m}m` : ""}${s > 0 ? `${s}s` : ""}`;
  return text === "" ? "0s" : text;
}
