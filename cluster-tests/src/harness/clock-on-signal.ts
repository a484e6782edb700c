import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

const HOUR_MS = 3_600_000;
/** Beside the true time, one signal after the other. */
const JUMPS_HOURS = [1, -1, 0];
const KEY = "coffer-test-clock";

/** Preloaded into a node under test: SIGURG moves its wall clock, on all of its threads, an hour ahead, then an hour behind, then back. */
const shared = isMainThread ? new SharedArrayBuffer(4) : (getEnvironmentData(KEY) as SharedArrayBuffer);
const hours = new Int32Array(shared);

class MovedDate extends Date {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(MovedDate.now());
    else super(...(args as [number]));
  }

  static override now(): number {
    return trueNow() + Atomics.load(hours, 0) * HOUR_MS;
  }
}

const trueNow = Date.now;
globalThis.Date = MovedDate as DateConstructor;

if (isMainThread) {
  setEnvironmentData(KEY, shared as unknown as string);
  let jumps = 0;
  process.on("SIGURG", () => {
    Atomics.store(hours, 0, JUMPS_HOURS[jumps++ % JUMPS_HOURS.length]!);
    console.log(`the wall clock is ${Atomics.load(hours, 0)} h beside the true one`);
  });
}
