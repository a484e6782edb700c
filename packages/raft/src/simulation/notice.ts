import type { Breakage } from "./breakages.js";
import { shippedWith } from "./mutation.js";
import { run } from "./run.js";

/** Every breakage is noticed within this many seeds; most are by one in ten, the rarest by one in a hundred or so, and any change to what is sent moves which ones. */
export const FOUND_WITHIN = 500;

/** The first seed that notices it, or undefined. */
export async function noticedBy(breakage: Breakage): Promise<number | undefined> {
  const shipped = await shippedWith(breakage.mutations);
  for (let seed = 1; seed <= FOUND_WITHIN; seed++) if ((await run({ seed, breakage, shipped })).violation !== undefined) return seed;
  return undefined;
}
