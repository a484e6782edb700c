import type { Message, NodeId, SnapshotMeta, Term } from "../core/types.js";
import { sendSnapshot } from "../snapshot/send.js";
import type { SnapshotTarget } from "../snapshot/streams.js";
import type { RaftLogger, StateMachine } from "./api.js";
import type { AppliedConfigurations } from "./applied-configurations.js";
import type { Measures } from "./measures.js";
import { pause } from "./surroundings.js";
import type { Surroundings } from "./surroundings.js";
import type { Turns } from "./turns.js";

export interface SnapshotSendingPort extends Pick<Surroundings, "now" | "after" | "uniqueId"> {
  readonly id: NodeId;
  readonly machine: StateMachine;
  readonly machineTurns: Turns;
  readonly configurations: AppliedConfigurations;
  readonly peer: (id: NodeId) => SnapshotTarget | undefined;
  readonly logger: RaftLogger;
  readonly measures: Measures;
  readonly isLeading: (term: Term) => boolean;
  /** The attempt is over; the core must hear of it. */
  readonly report: (to: NodeId, installed: boolean) => void;
}

/** Streams the state to followers that are behind the log, one stream a follower. */
export interface SnapshotSending {
  offer(message: Extract<Message, { type: "snapshot" }>): Promise<void>;
  isBusy(): boolean;
  idle(): Promise<void>;
}

export function createSnapshotSending(port: SnapshotSendingPort): SnapshotSending {
  const running = new Map<NodeId, Promise<boolean>>();

  async function stream(message: Extract<Message, { type: "snapshot" }>): Promise<boolean> {
    if (!port.peer(message.to)) return false;
    // A database: the snapshot is opened when it is needed, at whatever is applied by then.
    const snapshot = await port.machineTurns.run(() => port.machine.openSnapshot());
    try {
      const meta: SnapshotMeta = { index: snapshot.index, term: snapshot.term, ...port.configurations.at(snapshot.index) };
      port.logger.log("info", "sending the state to a follower", { peer: message.to, index: meta.index });
      // In the term of the offer: by now this server may lead no more, and must not speak as if it did.
      const installed = await sendSnapshot({
        peer: () => port.peer(message.to), self: port.id, term: message.term, meta, chunks: snapshot.chunks, transfer: port.uniqueId(), now: port.now,
        pause: (milliseconds) => pause(port, milliseconds),
        isWanted: () => port.isLeading(message.term),
        onResume() {
          port.measures.snapshotResumes += 1;
          port.logger.log("info", "an interrupted transfer of the state goes on", { peer: message.to });
        },
      });
      port.measures.snapshotsSent += 1;
      return installed;
    } finally {
      await snapshot.close();
    }
  }

  return {
    async offer(message) {
      const { to } = message;
      // The attempt under way will report for both.
      if (running.has(to)) return;
      const attempt = stream(message).catch((error: unknown) => {
        port.logger.log("warn", "sending the state failed", { peer: to, reason: String(error) });
        return false;
      });
      running.set(to, attempt);
      const begin = port.now();
      const installed = await attempt;
      port.measures.snapshotSendCount += 1;
      port.measures.snapshotSendMsSum += port.now() - begin;
      running.delete(to);
      port.report(to, installed);
    },
    isBusy: () => running.size > 0,
    idle: async () => void (await Promise.all(running.values())),
  };
}
