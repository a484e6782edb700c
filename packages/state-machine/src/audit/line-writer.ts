/** Where a device's lines go. They never interleave, and leave in the order in which they came. */
export interface LineWriter {
  /** A line with its end. It has been handed to the operating system when the promise resolves. */
  write(line: string): Promise<void>;
  /** After a rotation: opens what it writes to anew, behind the lines that wait. Rejects if it cannot. */
  reopen(): Promise<void>;
  /** Behind the lines that wait. */
  close(): Promise<void>;
}

/** Lines of one turn of the event loop leave together. */
export interface LineQueue {
  write(line: string): Promise<void>;
  /** Something to do between two batches, behind the lines that wait. */
  step(work: () => Promise<void> | void): Promise<void>;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** A line, or a step. */
  readonly what: string | (() => Promise<void> | void);
}

/**
 * Hands lines to `send` in batches, one at a time: what comes while one is under way, and what comes in the same turn of the event
 * loop, goes with the next one. Each line's promise is settled as that of its batch, and not before.
 */
export function createLineQueue(send: (lines: string) => Promise<void>): LineQueue {
  let waiting: Waiting[] = [];
  let isBusy = false;

  function enqueue(what: Waiting["what"]): Promise<void> {
    return new Promise((resolve, reject) => {
      waiting.push({ what, resolve, reject });
      if (isBusy) return;
      isBusy = true;
      setImmediate(next);
    });
  }

  /** The lines that wait before the next step, or that step. */
  function take(): readonly Waiting[] {
    const step = waiting.findIndex(({ what }) => typeof what !== "string");
    const end = step < 0 ? waiting.length : Math.max(step, 1);
    const taken = waiting.slice(0, end);
    waiting = waiting.slice(end);
    return taken;
  }

  async function run([first, ...others]: readonly Waiting[]): Promise<void> {
    if (typeof first!.what !== "string") await first!.what();
    else await send(first!.what + others.map(({ what }) => what).join(""));
  }

  function next(): void {
    if (waiting.length === 0) {
      isBusy = false;
      return;
    }
    const batch = take();
    const settle = (one: (waiting: Waiting) => void) => {
      batch.forEach(one);
      next();
    };
    run(batch).then(() => settle(({ resolve }) => resolve()), (error: unknown) => settle(({ reject }) => reject(error)));
  }

  return { write: enqueue, step: enqueue };
}
