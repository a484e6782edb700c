import type { Entry, HardState, Message, Ready } from "../core/types.js";

/** One synced write of the log, and what may leave once it is done. */
export interface Work {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
}

/** What gathers while the write before is being synced: the group of a group commit. The host and the simulator share it. */
export interface PendingWrites {
  /** Takes over what a Ready wants persisted; returns the messages that may leave at once. */
  add(ready: Ready): readonly Message[];
  /** True when there is neither something to write nor a message that waits for a write. */
  isEmpty(): boolean;
  take(): Work;
  /** What was taken last is durable. */
  written(): void;
}

export function createPendingWrites(): PendingWrites {
  let hardState: HardState | undefined;
  let entries: Entry[] = [];
  let messages: Message[] = [];
  let writingHardState = false;

  function append(entry: Entry): void {
    // A later Ready may overwrite what an earlier one left unwritten, from anywhere on: then none of that may reach the disk.
    while (entries.length > 0 && entries[entries.length - 1]!.index >= entry.index) entries.pop();
    entries.push(entry);
  }

  return {
    add(ready) {
      if (ready.hardState) hardState = ready.hardState;
      for (const entry of ready.entries) append(entry);
      // A message may name a term only once that term is on disk, be it written by this Ready or an earlier one.
      const isTermPending = hardState !== undefined || writingHardState;
      if (isTermPending) messages.push(...ready.messagesNow);
      messages.push(...ready.messagesAfterPersist);
      return isTermPending ? [] : ready.messagesNow;
    },
    isEmpty: () => hardState === undefined && entries.length === 0 && messages.length === 0,
    take() {
      const work = { hardState, entries, messages };
      writingHardState = hardState !== undefined;
      hardState = undefined;
      entries = [];
      messages = [];
      return work;
    },
    written: () => void (writingHardState = false),
  };
}
