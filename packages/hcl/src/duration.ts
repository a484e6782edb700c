const UNIT_SECONDS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, "µs": 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86_400 };

/** What fits Go's durations: 64 bits of nanoseconds, about 292 years. */
const MAX_SECONDS = 2 ** 63 / 1e9;

/** Seconds of a Go duration ("1h30m", "10s", and "30d" as Vault adds) or of a plain number of seconds; undefined for others. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^[-+]?\d+(\.\d+)?$/.test(trimmed)) return inRange(Number(trimmed));
  const match = /^([-+]?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+)$/.exec(trimmed);
  if (!match) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of match[2]!.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)) seconds += Number(amount) * UNIT_SECONDS[unit!]!;
  return inRange(match[1] === "-" ? -seconds : seconds);
}

function inRange(seconds: number): number | undefined {
  return Math.abs(seconds) < MAX_SECONDS ? seconds : undefined;
}
