import { randomInt, randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { createCore } from "../core/core.js";
import { createLeaseClock, LEASE_DRIFT } from "./lease-clock.js";
import { startTransport } from "../transport/transport.js";

/** All that a member meets outside of its log and its state: time, chance, and the others. Handed in, so that a simulation can be all of it. */
export interface Surroundings {
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** Milliseconds, of a clock that goes on while this process stands still, and the part by which the rates of two such clocks may differ. */
  readonly leaseClock: () => number;
  readonly leaseDrift: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Unlike any other, anywhere. */
  readonly uniqueId: () => string;
  /** Runs `job` once; gives the function that calls it off. */
  readonly after: (milliseconds: number, job: () => void) => () => void;
  /** Runs `job` again and again; what a stall of the process missed is not made up for. Gives the function that ends it. */
  readonly every: (milliseconds: number, job: () => void) => () => void;
  /** Runs `job` after all that is there to be done just now. */
  readonly nextTurn: (job: () => void) => void;
  readonly startTransport: typeof startTransport;
  readonly createCore: typeof createCore;
}

export const REAL: Surroundings = Object.freeze({
  now: () => performance.now(),
  leaseClock: createLeaseClock(),
  leaseDrift: LEASE_DRIFT,
  random: () => randomInt(1 << 30) / (1 << 30),
  uniqueId: () => randomUUID(),
  after(milliseconds: number, job: () => void) {
    const timer = setTimeout(job, milliseconds);
    return () => clearTimeout(timer);
  },
  every(milliseconds: number, job: () => void) {
    const timer = setInterval(job, milliseconds);
    return () => clearInterval(timer);
  },
  nextTurn: (job: () => void) => void setImmediate(job),
  startTransport,
  createCore,
});

export const pause = ({ after }: Pick<Surroundings, "after">, milliseconds: number): Promise<void> => new Promise((wake) => void after(milliseconds, wake));
