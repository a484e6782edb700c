import type { Message } from "../core/types.js";
import type { DiskBreakage } from "./disk.js";

/** Deliberate faults at the simulator's borders: each breaks one promise that the core is owed, and must be noticed. */
export interface Breakage extends DiskBreakage {
  /** Votes and acknowledgements leave before what they promise is synced. */
  readonly answersBeforeSync?: boolean;
  /** The log is compacted to what is applied, not to what the state holds on disk. */
  readonly compactsUnflushed?: boolean;
  /** What the network makes of a message. */
  readonly tampers?: (message: Message) => Message;
  /** What the network answers by itself, be the receiver reachable or not. */
  readonly forges?: (message: Message) => Message | undefined;
}

export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  "a disk that forgets votes": { forgetsVotes: true },
  "a disk that loses synced entries": { losesSyncedEntries: true },
  "answers that leave before the sync": { answersBeforeSync: true },
  "a log compacted past the durable state": { compactsUnflushed: true },
  "a disk that keeps what is behind an overwritten entry": { keepsTail: true },
  "heartbeats answered by the network itself": {
    forges: (message) => (message.type === "heartbeat" ? { type: "heartbeat-response", from: message.to, to: message.from, term: message.term, round: message.round, canLead: true } : undefined),
  },
  "refusals taken for acknowledgements": {
    tampers: (message) => (message.type === "append-response" ? { ...message, ok: true } : message),
  },
  "votes counted for every candidate": {
    tampers: (message) => (message.type === "vote-response" ? { ...message, granted: true } : message),
  },
};
