import type { LogIndex, Message, NodeId } from "../core/types.js";
import type { ReplicationTimes } from "./api.js";
import type { Measures } from "./measures.js";

type Mutable = { -readonly [K in keyof ReplicationTimes]: number };

interface Watched extends Mutable {
  /** Of the messages on their way, one of each kind is timed. */
  append: { readonly last: LogIndex; readonly at: number } | undefined;
  heartbeatAt: number | undefined;
}

/** What goes to each follower, and how long it takes to answer. */
export interface Replication {
  sent(message: Message): void;
  answered(message: Message): void;
  /** The line broke: what is on its way is not answered. */
  lost(peer: NodeId): void;
  of(peer: NodeId): ReplicationTimes | undefined;
}

export function createReplication(measures: Measures, now: () => number): Replication {
  const peers = new Map<NodeId, Watched>();

  function watched(id: NodeId): Watched {
    let peer = peers.get(id);
    if (!peer) peers.set(id, (peer = { appendMsSum: 0, appendCount: 0, appendMessages: 0, appendEntries: 0, heartbeatMsSum: 0, heartbeatCount: 0, append: undefined, heartbeatAt: undefined }));
    return peer;
  }

  return {
    sent(message) {
      if (message.type === "heartbeat") {
        measures.heartbeatsSent += 1;
        watched(message.to).heartbeatAt ??= now();
      } else if (message.type === "append" && message.entries.length > 0) {
        const { length } = message.entries;
        measures.appendMessages += 1;
        measures.appendMessageEntries += length;
        const peer = watched(message.to);
        peer.appendMessages += 1;
        peer.appendEntries += length;
        peer.append ??= { last: message.prevIndex + length, at: now() };
      }
    },
    answered(message) {
      const peer = peers.get(message.from);
      if (!peer) return;
      if (message.type === "heartbeat-response" && peer.heartbeatAt !== undefined) {
        peer.heartbeatMsSum += now() - peer.heartbeatAt;
        peer.heartbeatCount += 1;
        peer.heartbeatAt = undefined;
      } else if (message.type === "append-response" && peer.append) {
        // A refusal ends it without a time.
        if (message.ok && message.index < peer.append.last) return;
        if (message.ok) {
          peer.appendMsSum += now() - peer.append.at;
          peer.appendCount += 1;
        }
        peer.append = undefined;
      }
    },
    lost(id) {
      const peer = peers.get(id);
      if (peer) peer.append = peer.heartbeatAt = undefined;
    },
    of: (id) => peers.get(id),
  };
}
