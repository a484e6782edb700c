import { formatGoDuration } from "@coffer/client";
import { numberOf } from "../framework/json.js";

/** Seconds for people: "768h", "1h30m", "90s" as "1m30s", without the zeros at the end. */
export function formatDuration(seconds: number): string {
  let text = formatGoDuration(seconds);
  if (text.endsWith("m0s")) text = text.slice(0, -2);
  return text.replace(/h0m/, "h");
}

const DURATION_KEY = /^(period|ttl|duration|lease_max|ttl_max)$|_(period|ttl|duration)$/;

/** The value of a field whose name says that it is a number of seconds, as a duration; any other as it is. */
export function humanField(key: string, value: unknown): unknown {
  if (!DURATION_KEY.test(key)) return value;
  const seconds = numberOf(value);
  return seconds === undefined || !Number.isInteger(seconds) ? value : formatDuration(seconds);
}
