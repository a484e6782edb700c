import type { LogIndex, Message, NodeId, Term } from "../core/types.js";
import type { Measures } from "./measures.js";

/** What one other server asked of this one and is not answered yet. Of the messages with entries on their way one is timed. */
interface Asked {
  append: { readonly prevIndex: LogIndex; readonly at: number } | undefined;
  heartbeatAt: number | undefined;
  voteAt: number | undefined;
}

/** Votes this member asked for, by whom it asked. */
type Sought = Map<NodeId, { readonly term: Term; readonly at: number }>;

/** How long servers wait for each other's answers: the others for this member's, and this member, as a candidate, for theirs. */
export interface RpcTimes {
  received(message: Message): void;
  /** The message is on its way to the others. */
  sent(message: Message): void;
  /** The leader's state has come, or has not: meanwhile entries got no answer. */
  installEnded(): void;
}

export function createRpcTimes(measures: Measures, now: () => number): RpcTimes {
  const others = new Map<NodeId, Asked>();
  const sought = { vote: new Map() as Sought, "pre-vote": new Map() as Sought };

  function askedBy(id: NodeId): Asked {
    let asked = others.get(id);
    if (!asked) others.set(id, (asked = { append: undefined, heartbeatAt: undefined, voteAt: undefined }));
    return asked;
  }

  /** Milliseconds since `type` was asked of `message.from`; undefined for an answer to an earlier round. */
  function waited(type: "vote" | "pre-vote", message: Message): number | undefined {
    const found = sought[type].get(message.from);
    if (!found || message.term < found.term) return undefined;
    sought[type].delete(message.from);
    return now() - found.at;
  }

  return {
    received(message) {
      // Not every heartbeat and vote is answered: the last one asked is the one that an answer belongs to.
      if (message.type === "heartbeat") askedBy(message.from).heartbeatAt = now();
      else if (message.type === "vote" || message.type === "pre-vote") askedBy(message.from).voteAt = now();
      else if (message.type === "append") {
        if (message.entries.length > 0) askedBy(message.from).append ??= { prevIndex: message.prevIndex, at: now() };
      } else if (message.type === "vote-response") {
        const time = waited("vote", message);
        if (time === undefined) return;
        measures.voteMsSum += time;
        measures.voteCount += 1;
      } else if (message.type === "pre-vote-response") {
        const time = waited("pre-vote", message);
        if (time === undefined) return;
        measures.preVoteMsSum += time;
        measures.preVoteCount += 1;
      }
    },
    sent(message) {
      if (message.type === "vote" || message.type === "pre-vote") {
        // A refusal of a preliminary vote comes in the term of who refuses, which may be this member's own.
        sought[message.type].set(message.to, { term: message.type === "vote" ? message.term : message.term - 1, at: now() });
        return;
      }
      const asked = others.get(message.to);
      if (!asked) return;
      if (message.type === "append-response" && asked.append) {
        // Of an earlier message.
        if (message.ok && message.index <= asked.append.prevIndex) return;
        measures.answeredAppendMsSum += now() - asked.append.at;
        measures.answeredAppendCount += 1;
        asked.append = undefined;
      } else if (message.type === "heartbeat-response" && asked.heartbeatAt !== undefined) {
        measures.answeredHeartbeatMsSum += now() - asked.heartbeatAt;
        measures.answeredHeartbeatCount += 1;
        asked.heartbeatAt = undefined;
      } else if ((message.type === "vote-response" || message.type === "pre-vote-response") && asked.voteAt !== undefined) {
        measures.answeredVoteMsSum += now() - asked.voteAt;
        measures.answeredVoteCount += 1;
        asked.voteAt = undefined;
      }
    },
    installEnded() {
      for (const asked of others.values()) asked.append = undefined;
    },
  };
}
