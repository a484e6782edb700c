const PAUSE_MS = 20;
/** How long one question of a series may take: at first, and at most. */
const FIRST_TIMEOUT_MS = 5000;
const LAST_TIMEOUT_MS = 60_000;

/** What was waited for did not come. */
export class NotInTime extends Error {
  override readonly name = "NotInTime";
}

/**
 * How long the next try may take, after so many in a row that failed: longer and longer. A node that is only slow, on a machine
 * that is busy, answers one of them; a short limit alone would never let it.
 */
export function patienceAfter(failures: number): number {
  return Math.min(LAST_TIMEOUT_MS, FIRST_TIMEOUT_MS * 2 ** failures);
}

/** Asks again and again until the answer is truthy; what the check throws counts as no. `tries`: how many there were before. */
export async function until<T>(what: string, milliseconds: number, check: (tries: number) => Promise<T> | T): Promise<NonNullable<Exclude<T, false | 0 | "">>> {
  const end = performance.now() + milliseconds;
  let last: unknown;
  let tries = 0;
  do {
    try {
      const value = await check(tries++);
      if (value) return value as NonNullable<Exclude<T, false | 0 | "">>;
    } catch (error) {
      last = error;
    }
    await new Promise((wake) => setTimeout(wake, PAUSE_MS));
  } while (performance.now() < end);
  throw new NotInTime(`${what}: not within ${milliseconds} ms`, { cause: last });
}
