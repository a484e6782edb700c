import { createHash } from "node:crypto";
import type { Environment } from "@coffer/state-machine";

/** A clock that stands still unless a test moves it. */
export interface TestClock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  advance(seconds: number): void;
}

/** 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000;
const MS = 1000;

export function createTestClock(): TestClock {
  let now = START_MS;
  return {
    now: () => now,
    advance: (seconds) => {
      now += seconds * MS;
    },
  };
}

/** The clock, and bytes that are the same in every run with the same seed. */
export function createTestEnvironment(clock: TestClock, seed: string): Environment {
  let counter = 0;
  const randomBytes = (length: number): Uint8Array => {
    const blocks: Buffer[] = [];
    for (let made = 0; made < length; made += 32) blocks.push(createHash("sha256").update(`${seed}/${counter++}`).digest());
    return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
  };
  const uuid = () => Buffer.from(randomBytes(16)).toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { now: clock.now, randomBytes, uuid };
}
