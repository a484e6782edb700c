import type { TransferListItem } from "node:worker_threads";

/** A thread's mailbox, as MessagePort and Worker have it. */
export interface Mailbox {
  postMessage(value: unknown, transfer?: readonly TransferListItem[]): void;
}

export interface Bundler<Message> {
  /** Leaves with whatever else is posted in this turn of the event loop. `transfer`: memory that goes along instead of being copied. */
  post(message: Message, transfer?: ArrayBuffer): void;
}

/**
 * Posts messages of one turn together, in order, as one array. Each post wakes the other thread, which costs more than most
 * of what is said: under load a turn has dozens of proposals or answers.
 */
export function createBundler<Message>(mailbox: Mailbox): Bundler<Message> {
  let bundle: Message[] = [];
  let transfers: ArrayBuffer[] = [];

  function flush(): void {
    const messages = bundle;
    const transfer = transfers;
    bundle = [];
    transfers = [];
    mailbox.postMessage(messages, transfer);
  }

  return {
    post(message, transfer) {
      if (bundle.length === 0) setImmediate(flush);
      bundle.push(message);
      if (transfer) transfers.push(transfer);
    },
  };
}

/** Bytes in memory of their own, which can be given away: a slice of a pool would take the pool with it. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isOwn = bytes.constructor === Uint8Array && bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return isOwn ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
