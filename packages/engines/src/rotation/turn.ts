import { nextRotation } from "./rhythm.js";
import type { Rhythm } from "./rhythm.js";

/** When something that is rotated by itself comes next, and how its last tries went. */
export interface Turn {
  /** When its time comes by period or schedule. Milliseconds. */
  readonly scheduledMs: number;
  /** When it is tried next: later, if that failed. */
  readonly dueMs: number;
  /** Rotations that failed since one did not, and why the last one did. */
  readonly failures: number;
  readonly failure: string;
}

const MS = 1000;
const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 600_000;

/** After a rotation at this time, or from it on. */
export function nextTurn(rhythm: Rhythm, fromMs: number): Turn {
  const dueMs = nextRotation(rhythm, fromMs);
  return { scheduledMs: dueMs, dueMs, failures: 0, failure: "" };
}

/** Whether its time has passed by more than its window: then it waits for the next one (`skippedTurn`). */
export const isPastWindow = ({ rotation_window, scheduledMs }: Rhythm & Turn, atMs: number): boolean => rotation_window > 0 && atMs > scheduledMs + rotation_window * MS;

/** The next scheduled time; what has failed is not forgotten by it. */
export function skippedTurn({ failures, failure, ...rhythm }: Rhythm & Turn, nowMs: number): Turn {
  return { ...nextTurn(rhythm, nowMs), failures, failure };
}

/** Another try: after 10 seconds, then 20, up to ten minutes. One that its window does not allow waits for the next time. */
export function failedTurn(before: Rhythm & Turn, error: unknown, nowMs: number): Turn {
  const retryMs = nowMs + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(before.failures, 10));
  const failed = { failures: before.failures + 1, failure: error instanceof Error ? error.message : String(error) };
  if (isPastWindow(before, retryMs)) return skippedTurn({ ...before, ...failed }, nowMs);
  return { scheduledMs: before.scheduledMs, dueMs: retryMs, ...failed };
}
