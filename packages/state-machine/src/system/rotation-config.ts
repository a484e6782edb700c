import { jsonCodec } from "../framework/index.js";
import type { ReadStorage, WriteStorage } from "../framework/index.js";

/** When the barrier's key is rotated by itself. Kept at `core/rotation-config`; the storage is that of `core/`. */
export interface RotationConfig {
  readonly enabled: boolean;
  /** Encryptions with one key. */
  readonly maxOperations: number;
  /** 0: however old it is. */
  readonly intervalSeconds: number;
}

const KEY = "rotation-config";
const codec = jsonCodec<RotationConfig>();

/** Nine tenths of 2^32, so many random nonces of 96 bits keep one key below NIST's bound (SP 800-38D, 8.3). */
export const MAX_OPERATIONS = 3_865_470_566;
export const MIN_OPERATIONS = 1_000_000;
export const MIN_INTERVAL_SECONDS = 86_400;

const DEFAULT: RotationConfig = Object.freeze({ enabled: true, maxOperations: MAX_OPERATIONS, intervalSeconds: 0 });

export const readRotationConfig = (storage: ReadStorage): RotationConfig => storage.get(KEY, codec) ?? DEFAULT;

export const writeRotationConfig = (storage: WriteStorage, config: RotationConfig): void => storage.put(KEY, codec, config);
