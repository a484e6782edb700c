/** Go's duration units in nanoseconds, and the day that Vault adds. */
const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  "µs": 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86400,
};

/**
 * Seconds in a Go duration ("1h30m", "250ms"), a number of days ("7d") or a bare number of seconds ("90").
 * Undefined if the text is none of these.
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^-?\d+$/.test(trimmed)) return Number(trimmed);
  const match = /^(-?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+)$/.exec(trimmed);
  if (match === null) return undefined;
  let seconds = 0;
  for (const part of (match[2] ?? "").matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)) {
    seconds += Number(part[1]) * (UNIT_SECONDS[part[2] ?? ""] ?? 0);
  }
  return match[1] === "-" ? -seconds : seconds;
}

/** Whole seconds as Go prints a time.Duration: 90 is "1m30s", 3600 is "1h0m0s", 0 is "0s". */
export function formatGoDuration(seconds: number): string {
  const sign = seconds < 0 ? "-" : "";
  const whole = Math.abs(Math.trunc(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = whole % 60;
  if (hours > 0) return `${sign}${hours}h${minutes}m${rest}s`;
  if (minutes > 0) return `${sign}${minutes}m${rest}s`;
  return `${sign}${rest}s`;
}
