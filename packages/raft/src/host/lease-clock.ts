import { performance } from "node:perf_hooks";

/** Of a lease for reads: the rates at which the clocks of two servers run differ by less than this part. Real ones differ by less than a thousandth. */
export const LEASE_DRIFT = 0.1;

/** The wall clock is told in whole milliseconds, and slewed. */
const STEP_MS = 5;

/**
 * Milliseconds since some moment, never backwards, for a lease to be measured by. The monotonic clock goes on while the process
 * is stopped, but not while its machine sleeps. The wall clock is set forward when the machine wakes: a step forward is taken for
 * such a sleep, whatever it was, and ends a lease early at worst. One back is none of our business.
 */
export function createLeaseClock(monotonic = () => performance.now(), wall = () => Date.now()): () => number {
  let slept = 0;
  let usual = wall() - monotonic();
  return () => {
    const elapsed = monotonic();
    const offset = wall() - elapsed;
    if (offset > usual + STEP_MS) slept += offset - usual;
    if (Math.abs(offset - usual) > STEP_MS) usual = offset;
    return elapsed + slept;
  };
}
