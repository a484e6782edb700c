const PAUSE_MS = 20;

/** Asks again and again until the answer is truthy; what the check throws counts as no. */
export async function until<T>(what: string, milliseconds: number, check: () => Promise<T> | T): Promise<NonNullable<Exclude<T, false | 0 | "">>> {
  const end = performance.now() + milliseconds;
  let last: unknown;
  do {
    try {
      const value = await check();
      if (value) return value as NonNullable<Exclude<T, false | 0 | "">>;
    } catch (error) {
      last = error;
    }
    await new Promise((wake) => setTimeout(wake, PAUSE_MS));
  } while (performance.now() < end);
  throw new Error(`${what}: not within ${milliseconds} ms`, { cause: last });
}
