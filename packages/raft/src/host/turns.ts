/** Runs jobs one after the other, in the order they came. */
export interface Turns {
  run<T>(job: () => Promise<T>): Promise<T>;
  /** Resolves when everything that was asked for is over. */
  idle(): Promise<void>;
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(job) {
      const done = last.then(job);
      last = done.catch(() => undefined);
      return done;
    },
    async idle() {
      for (let waited: unknown; waited !== last; ) {
        waited = last;
        await last;
      }
    },
  };
}
