import type grpc from "@grpc/grpc-js";
import type { Message, NodeId, SnapshotMeta } from "../core/types.js";
import type { DurableLog } from "../log/durable-log.js";
import { snapshotChunks } from "../snapshot/receive.js";
import { metaFromWire } from "../transport/wire.js";
import type { WireSnapshotChunk } from "../transport/wire.js";
import type { RaftLogger, StateMachine } from "./api.js";
import type { Persistence } from "./persistence.js";
import type { Turns } from "./turns.js";

export interface SnapshotInstallPort {
  readonly id: NodeId;
  readonly log: DurableLog;
  readonly machine: StateMachine;
  readonly machineTurns: Turns;
  readonly persistence: Persistence;
  readonly logger: RaftLogger;
  /** Gives the core a message and does what it then wants done, before it returns. */
  readonly step: (message: Message) => void;
  readonly commitIndex: () => number;
  /** The core must hear how an accepted snapshot ended: its meta, or undefined for a failure. */
  readonly finished: (meta: SnapshotMeta | undefined, milliseconds: number) => void;
  readonly now: () => number;
  readonly fail: (error: unknown) => void;
}

type Call = grpc.ServerReadableStream<WireSnapshotChunk, { installed: boolean }>;

/** The follower's side: a stream arrives, the core decides about it, the state and then the log are replaced. One at a time. */
export interface SnapshotInstall {
  receive(call: Call, answer: (installed: boolean) => void): Promise<void>;
  /** The core accepted `meta`. */
  accept(meta: SnapshotMeta): void;
  idle(): Promise<void>;
}

export function createSnapshotInstall(port: SnapshotInstallPort): SnapshotInstall {
  const { log, machine } = port;
  let arrival: { readonly meta: SnapshotMeta; readonly chunks: AsyncIterable<Uint8Array> } | undefined;
  let installing: Promise<boolean> | undefined;

  /** True once installed. A failure before the state was replaced leaves the old one; one after it is fatal. */
  async function install(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
    try {
      // Entries queued before the core accepted are in the log before the announcement: after it, none are written.
      await port.persistence.idle();
      await log.expectSnapshot(meta);
      await machine.installSnapshot(meta, chunks);
    } catch (error) {
      port.logger.log("warn", "installing the leader's state failed; the old one stays", { reason: String(error) });
      return false;
    }
    await port.persistence.reset(meta);
    port.logger.log("info", "installed the leader's state", { index: meta.index });
    return true;
  }

  return {
    async receive(call, answer) {
      try {
        const stream = call[Symbol.asyncIterator]() as AsyncIterator<WireSnapshotChunk>;
        const { value } = await stream.next();
        const header = (value as WireSnapshotChunk | undefined)?.header;
        if (!header || arrival) {
          answer(false);
          return;
        }
        const meta = metaFromWire(header);
        arrival = { meta, chunks: snapshotChunks(stream) };
        port.step({ type: "snapshot", from: header.from, to: port.id, term: header.sender_term, meta });
        // Not accepted: the core has the entries, or the sender leads no more.
        answer(installing ? await installing : port.commitIndex() >= meta.index);
      } catch (error) {
        port.logger.log("warn", "receiving a state failed", { reason: String(error) });
        answer(false);
      } finally {
        if (!installing) arrival = undefined;
      }
    },
    accept(meta) {
      const accepted = arrival;
      if (!accepted || accepted.meta !== meta) {
        port.finished(undefined, 0);
        return;
      }
      const begin = port.now();
      installing = port.machineTurns.run(() => install(meta, accepted.chunks));
      installing.then(
        (installed) => {
          installing = undefined;
          arrival = undefined;
          port.finished(installed ? meta : undefined, port.now() - begin);
        },
        port.fail,
      );
    },
    idle: async () => void (await installing?.catch(() => undefined)),
  };
}
