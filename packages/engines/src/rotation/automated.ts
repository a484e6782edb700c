import { field, invalid } from "@coffer/state-machine";
import type { WriteMount } from "@coffer/state-machine";
import { checkSchedule, checkWindow } from "./rhythm.js";
import type { Rhythm } from "./rhythm.js";
import { failedTurn, isPastWindow, nextTurn, skippedTurn } from "./turn.js";
import type { Turn } from "./turn.js";

/**
 * The rotation of the credential that an engine itself uses, by a period or a schedule, as Vault's API pages have it
 * (https://developer.hashicorp.com/vault/api-docs/secret/databases#rotation_period). The engine stores it with its configuration.
 */
export interface AutomatedRotation extends Rhythm {
  readonly disable_automated_rotation: boolean;
  /** Undefined: it is not rotated by itself. */
  readonly turn: Turn | undefined;
}

export const NOT_ROTATED: AutomatedRotation = { rotation_period: 0, rotation_schedule: "", rotation_window: 0, disable_automated_rotation: false, turn: undefined };

export const automatedRotationFields = {
  rotation_period: field.duration({ description: "Time between two rotations of the engine's own credential, at least 10 seconds; 0 for none." }),
  rotation_schedule: field.string({ description: "Instead of a period, five fields of cron, in UTC." }),
  rotation_window: field.duration({ description: "With a schedule, how long after its time the credential may still be rotated, at least an hour. After that it waits for the next time. 0: without a bound." }),
  disable_automated_rotation: field.bool({ description: "Whether rotations by a period or a schedule are left out until this is false again." }),
} as const;

interface Given {
  readonly rotation_period?: number | undefined;
  readonly rotation_schedule?: string | undefined;
  readonly rotation_window?: number | undefined;
  readonly disable_automated_rotation?: boolean | undefined;
}

/** Seconds. */
const MIN_PERIOD = 10;

/**
 * What a write of the configuration makes of it. What is not given stays; a period takes the place of a schedule, and the other
 * way round. Another rhythm counts from now. Throws RequestError 400.
 */
export function automatedRotation(given: Given, before: AutomatedRotation, nowMs: number): AutomatedRotation {
  const rhythm = rhythmFrom(given, before);
  const disable_automated_rotation = given.disable_automated_rotation ?? before.disable_automated_rotation;
  const isRotated = !disable_automated_rotation && (rhythm.rotation_period > 0 || rhythm.rotation_schedule !== "");
  const isSame = rhythm.rotation_period === before.rotation_period && rhythm.rotation_schedule === before.rotation_schedule;
  return { ...rhythm, disable_automated_rotation, turn: isRotated ? ((isSame ? before.turn : undefined) ?? nextTurn(rhythm, nowMs)) : undefined };
}

function rhythmFrom({ rotation_period, rotation_schedule, rotation_window }: Given, before: Rhythm): Rhythm {
  if (rotation_period && rotation_schedule) throw invalid("mutually exclusive fields rotation_schedule and rotation_period were both specified; only one of them can be provided");
  if (rotation_period && rotation_window) throw invalid("rotation_window does not apply to period");
  if (rotation_period) {
    if (rotation_period < MIN_PERIOD) throw invalid(`rotation_period must be ${MIN_PERIOD} seconds or more`);
    return { rotation_period, rotation_schedule: "", rotation_window: 0 };
  }
  const schedule = rotation_schedule ?? before.rotation_schedule;
  const window = rotation_window ?? (schedule === "" ? 0 : before.rotation_window);
  if (window > 0 && schedule === "") throw invalid("cannot use rotation_window without rotation_schedule");
  checkWindow(window);
  if (schedule !== "") checkSchedule(schedule);
  return { rotation_period: schedule === "" ? (rotation_period ?? before.rotation_period) : 0, rotation_schedule: schedule, rotation_window: window };
}

/** As a configuration shows it. */
export const shownRotation = ({ turn: _turn, ...shown }: AutomatedRotation): Omit<AutomatedRotation, "turn"> => shown;

/** What a read of a configuration says of a last try that failed; `attempt` tells what was tried. */
export const failureWarnings = ({ turn }: AutomatedRotation, attempt: string): { readonly warnings?: readonly string[] } => (turn && turn.failure !== "" ? { warnings: [`The last attempt to ${attempt} failed, and is repeated: ${turn.failure}`] } : {});

/** After a rotation, whoever asked for it: the next one counts from then. */
export const rotatedAt = (rotation: AutomatedRotation, nowMs: number): AutomatedRotation => (rotation.turn ? { ...rotation, turn: nextTurn(rotation, nowMs) } : rotation);

interface Log {
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/**
 * Does a rotation that is due, by `rotate`, which stores what it made. Undefined: it is done, or was not due. Else what is to be stored
 * instead, since it failed, or missed its window. `fields` say in the log whose it is.
 */
export async function rotateWhenDue(rotation: AutomatedRotation, rotate: () => Promise<void>, nowMs: number, log: Log | undefined, fields: Readonly<Record<string, unknown>> = {}): Promise<AutomatedRotation | undefined> {
  const { turn } = rotation;
  if (!turn || turn.dueMs > nowMs) return undefined;
  const state = { ...rotation, ...turn };
  if (isPastWindow(state, nowMs)) {
    log?.warn("the rotation of the root credential missed its window and waits for the next time", fields);
    return { ...rotation, turn: skippedTurn(state, nowMs) };
  }
  try {
    await rotate();
    return undefined;
  } catch (error) {
    const failed = failedTurn(state, error, nowMs);
    log?.warn("the rotation of the root credential failed; will be tried again", { ...fields, failures: failed.failures, reason: failed.failure });
    return { ...rotation, turn: failed };
  }
}

/** Of a mount with one such credential: the rotation that its configuration asks for. True: its time had come, and it was tried. */
export async function rotateConfigured<C extends { readonly rotation?: AutomatedRotation }>(config: C | undefined, { env, log }: Pick<WriteMount, "env" | "log">, rotate: () => Promise<unknown>, put: (config: C) => void): Promise<boolean> {
  const now = env.now();
  const { rotation = NOT_ROTATED } = config ?? {};
  if (!config || !rotation.turn || rotation.turn.dueMs > now) return false;
  const instead = await rotateWhenDue(rotation, async () => void (await rotate()), now, log);
  if (instead) put({ ...config, rotation: instead });
  return true;
}
