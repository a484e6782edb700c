import type { LogIndex, Term } from "../core/types.js";
import type { ApplyResult, StateMachine } from "../host/api.js";

export interface MemoryMachine extends StateMachine {
  /** Text of every normal entry applied, in order. */
  readonly applied: string[];
}

/** A state machine that survives its host: pass the same one to the next host to play a restart. */
export function createMemoryMachine(): MemoryMachine {
  let index: LogIndex = 0;
  let term: Term = 0;
  const applied: string[] = [];
  return {
    applied,
    appliedIndex: () => index,
    appliedTerm: () => term,
    reached: () => ({ index, term }),
    async apply(group) {
      for (const entry of group) {
        if (entry.index !== index + 1) throw new Error(`entry ${entry.index} after ${index}`);
        if (entry.kind === "normal") applied.push(Buffer.from(entry.data).toString());
        index = entry.index;
        term = entry.term;
      }
      return group.map((): ApplyResult => "applied");
    },
    flush: async () => index,
    async openSnapshot() {
      const bytes = Buffer.from(JSON.stringify(applied));
      async function* chunks() {
        for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
      }
      return { index, term, chunks: chunks(), close: async () => undefined };
    },
    async installSnapshot(meta, chunks) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      applied.splice(0, applied.length, ...(JSON.parse(Buffer.concat(parts).toString()) as string[]));
      index = meta.index;
      term = meta.term;
    },
  };
}
