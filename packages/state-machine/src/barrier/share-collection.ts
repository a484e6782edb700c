import { invalid } from "../errors.js";
import { checkShare, combineShares, sameBytes } from "./shamir-seal.js";

/** Shares given one by one towards one key, by holders who know the nonce of what they are for. */
export interface ShareCollection {
  readonly progress: () => number;
  /** The combined key once `threshold` shares are there, and the collection is empty again; the caller overwrites it. Throws RequestError 400. */
  add(share: Uint8Array): Promise<Uint8Array | undefined>;
  /** Overwrites what was given so far. */
  clear(): void;
}

/** `what` is named in the error for a share that was given before. */
export function createShareCollection(threshold: number, what: string): ShareCollection {
  let parts: Uint8Array[] = [];

  return {
    progress: () => parts.length,
    async add(share) {
      checkShare(share);
      if (parts.some((part) => sameBytes(part, share))) throw invalid(`given key has already been provided during this ${what} operation`);
      parts.push(new Uint8Array(share));
      if (parts.length < threshold) return undefined;
      const taken = parts;
      parts = [];
      try {
        return await combineShares(taken, threshold);
      } catch {
        // Two shares of one coordinate, or of different lengths.
        throw invalid("the key shares do not belong together");
      } finally {
        for (const part of taken) part.fill(0);
      }
    },
    clear() {
      for (const part of parts) part.fill(0);
      parts = [];
    },
  };
}
