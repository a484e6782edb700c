import { Cron } from "croner";
import { invalid } from "@coffer/state-machine";

/** How often something is rotated: by a period, or by a schedule. */
export interface Rhythm {
  /** Seconds; 0 with a schedule. */
  readonly rotation_period: number;
  /** Five fields of cron, UTC; empty with a period. */
  readonly rotation_schedule: string;
  /** Seconds after a scheduled time in which it may still be rotated; 0: any time. */
  readonly rotation_window: number;
}

const MIN_PERIOD_SECONDS = 5;
const MIN_WINDOW_SECONDS = 3600;
const FIELDS = 5;

interface Given {
  readonly rotation_period?: number | undefined;
  readonly rotation_schedule?: string | undefined;
  readonly rotation_window?: number | undefined;
}

/** Of a static role. Throws RequestError 400. What is not given stays; a period takes the place of a schedule, and the other way round. */
export function rhythmFrom(given: Given, before: Rhythm | undefined): Rhythm {
  const { rotation_period: period, rotation_schedule: schedule, rotation_window: window } = given;
  if (period !== undefined && schedule !== undefined) throw invalid("mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of them can be provided");
  if (period === undefined && schedule === undefined && !before) throw invalid("one of rotation_schedule or rotation_period must be provided to create a static account");
  if (period !== undefined && period < MIN_PERIOD_SECONDS) throw invalid(`rotation_period must be ${MIN_PERIOD_SECONDS} seconds or more`);
  const isPeriodic = period !== undefined || (schedule === undefined && before!.rotation_period > 0);
  if (isPeriodic) {
    if (window !== undefined && window > 0) throw invalid("rotation_window is invalid with use of rotation_period");
    return { rotation_period: period ?? before!.rotation_period, rotation_schedule: "", rotation_window: 0 };
  }
  checkWindow(window ?? 0);
  const text = schedule ?? before!.rotation_schedule;
  checkSchedule(text);
  return { rotation_period: 0, rotation_schedule: text, rotation_window: window ?? before?.rotation_window ?? 0 };
}

/** When it is to be rotated next, after a rotation (or a missed one) at this time. Milliseconds. */
export function nextRotation({ rotation_period, rotation_schedule }: Rhythm, fromMs: number): number {
  return rotation_period > 0 ? fromMs + rotation_period * 1000 : nextTime(rotation_schedule, fromMs);
}

/** Seconds; 0: none. Throws RequestError 400. */
export function checkWindow(window: number): void {
  if (window > 0 && window < MIN_WINDOW_SECONDS) throw invalid(`rotation_window must be ${MIN_WINDOW_SECONDS} seconds or more`);
}

/** Throws RequestError 400. */
export const checkSchedule = (schedule: string): void => void nextTime(schedule, 0);

/** Five fields, in UTC. Throws RequestError 400 for what is no schedule, or one that never comes. */
function nextTime(schedule: string, fromMs: number): number {
  let next: Date | null = null;
  try {
    if (schedule.trim().split(/\s+/).length !== FIELDS) throw new Error(`it must have ${FIELDS} fields`);
    next = new Cron(schedule.trim(), { timezone: "UTC", paused: true }).nextRun(new Date(fromMs));
  } catch (error) {
    throw invalid(`could not parse rotation_schedule: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!next) throw invalid("could not parse rotation_schedule: it never comes");
  return next.getTime();
}
