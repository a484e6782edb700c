/**
 * Clients' view of registers that are written by one writer each, with growing numbers. For such histories linearizability
 * is easy to check: a read that begins after a write was acknowledged sees that write's number or a later one, never one
 * that had not begun, and two reads one after the other never go back.
 */
export interface Register {
  begin(value: number): void;
  acknowledge(value: number): void;
  /** To be called as the read begins; hand its result to what comes back, which throws where it is impossible. */
  read(): (value: number) => void;
  readonly acknowledged: () => number;
}

export function createRegister(name: string): Register {
  let begun = 0;
  let acknowledged = 0;
  let seen = 0;
  return {
    begin: (value) => void (begun = Math.max(begun, value)),
    acknowledge: (value) => void (acknowledged = Math.max(acknowledged, value)),
    read() {
      const least = Math.max(acknowledged, seen);
      return (value) => {
        if (value < least) throw new Error(`${name}: read ${value}, although ${least} had been acknowledged or read before the read began`);
        if (value > begun) throw new Error(`${name}: read ${value}, which nobody had begun to write`);
        seen = Math.max(seen, value);
      };
    },
    acknowledged: () => acknowledged,
  };
}
