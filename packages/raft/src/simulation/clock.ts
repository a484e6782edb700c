/** Simulated time, in moments. Jobs of one moment run in the order they were asked for. */
export interface Clock {
  readonly now: () => number;
  after(delay: number, job: () => void): void;
  /** Runs the next job; false when there is none up to `until`. */
  step(until: number): boolean;
}

export function createClock(): Clock {
  const jobs = new Map<number, (() => void)[]>();
  let now = 0;
  return {
    now: () => now,
    after(delay, job) {
      const at = now + Math.max(0, Math.round(delay));
      const sameMoment = jobs.get(at);
      if (sameMoment) sameMoment.push(job);
      else jobs.set(at, [job]);
    },
    step(until) {
      for (; now <= until; now++) {
        const job = jobs.get(now)?.shift();
        if (job) {
          job();
          return true;
        }
        jobs.delete(now);
      }
      return false;
    },
  };
}
