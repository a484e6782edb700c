import type { RaftOptions } from "./api.js";

const DEFAULTS = {
  tickMs: 50,
  electionTicks: 8,
  heartbeatTicks: 2,
  trailingLogs: 10_000,
  trailingBytes: 256 * 1024 * 1024,
  snapshotThreshold: 8192,
  snapshotThresholdBytes: 128 * 1024 * 1024,
  maxInflightMessages: 256,
  maxInflightBytes: 8 * 1024 * 1024,
  maxEntriesBytesPerMessage: 1024 * 1024,
  maxPendingBytes: 64 * 1024 * 1024,
  maxPendingProposals: 32_768,
} as const;

export type Settings = { readonly [K in keyof typeof DEFAULTS]: number } & RaftOptions;

export function settingsOf(options: RaftOptions): Settings {
  return { ...DEFAULTS, ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) } as Settings;
}
