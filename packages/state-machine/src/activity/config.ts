import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";

/** Below `core/`: `activity/config`. */
export interface ActivityConfig {
  /** `default`: it is counted. */
  readonly enabled: "default" | "enable" | "disable";
  readonly retentionMonths: number;
  /** When counting was last turned on or off; milliseconds since 1970. What is remembered from before does not hold then. */
  readonly sinceMs: number;
}

const KEY = "activity/config";
const codec = jsonCodec<ActivityConfig>();
const USUAL: ActivityConfig = Object.freeze({ enabled: "default", retentionMonths: 48, sinceMs: 0 });

export const activityConfig = (storage: ReadStorage): ActivityConfig => storage.get(KEY, codec) ?? USUAL;
export const isCounting = ({ enabled }: ActivityConfig): boolean => enabled !== "disable";

/** Turning it off discards the month that is under way; the active node deletes it, in slices. */
export function putActivityConfig(storage: WriteStorage, config: Omit<ActivityConfig, "sinceMs">, nowMs: number): void {
  const before = activityConfig(storage);
  const isTurned = isCounting(before) !== isCounting({ ...config, sinceMs: 0 });
  storage.put(KEY, codec, { ...config, sinceMs: isTurned ? nowMs : before.sinceMs });
}
