import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";

/**
 * What totp stores below its mount:
 *
 *     key/<name>    a key, and what its codes are made with
 *     used/<name>   which of its codes were used, while they could be used again
 *
 * Used codes are stored, so that neither a failover nor another node takes a code twice.
 */
export interface TotpKey {
  /** Base32, upper case, without padding. */
  readonly secret: string;
  readonly issuer: string;
  readonly account_name: string;
  /** Seconds. */
  readonly period: number;
  readonly algorithm: Algorithm;
  readonly digits: 6 | 8;
  /** How many periods before and after now are taken. */
  readonly skew: 0 | 1;
}

export const ALGORITHMS = ["SHA1", "SHA256", "SHA512"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Numbers of the periods (RFC 6238: T) whose code was used. */
interface Used {
  readonly steps: readonly number[];
}

export const KEY_FOLDER = "key/";
const keyCodec = jsonCodec<TotpKey>();
const usedCodec = jsonCodec<Used>();

export function getKey(storage: ReadStorage, name: string): TotpKey | undefined {
  return storage.get(KEY_FOLDER + name, keyCodec);
}

/** Codes that were used stay used, unless others take their place. */
export function putKey(storage: WriteStorage, name: string, key: TotpKey): void {
  const before = getKey(storage, name);
  if (before?.secret !== key.secret || before.period !== key.period) storage.delete(`used/${name}`);
  storage.put(KEY_FOLDER + name, keyCodec, key);
}

export function deleteKey(storage: WriteStorage, name: string): void {
  storage.delete(KEY_FOLDER + name);
  storage.delete(`used/${name}`);
}

export function usedSteps(storage: ReadStorage, name: string): readonly number[] {
  return storage.get(`used/${name}`, usedCodec)?.steps ?? [];
}

export function putUsedSteps(storage: WriteStorage, name: string, steps: readonly number[]): void {
  storage.put(`used/${name}`, usedCodec, { steps });
}
