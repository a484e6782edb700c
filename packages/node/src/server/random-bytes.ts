import { randomBytes, randomFillSync } from "node:crypto";

const POOL_BYTES = 16 * 1024;
/** What is longer is asked for by itself. */
const MOST = 256;

/** Random bytes of the system, asked for many at a time: asking costs a login more than any other step of making its token. */
export function createRandomBytes(): (length: number) => Uint8Array {
  const pool = new Uint8Array(POOL_BYTES);
  let next = POOL_BYTES;

  return (length) => {
    if (length > MOST) return new Uint8Array(randomBytes(length));
    if (next + length > POOL_BYTES) {
      randomFillSync(pool);
      next = 0;
    }
    const taken = pool.slice(next, next + length);
    // What was given away is nowhere else.
    pool.fill(0, next, next + length);
    next += length;
    return taken;
  };
}
