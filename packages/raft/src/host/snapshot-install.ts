import grpc from "@grpc/grpc-js";
import type { LogIndex, Message, NodeId, SnapshotMeta, Term } from "../core/types.js";
import type { DurableLog } from "../log/durable-log.js";
import { createIncomingSnapshot, DamagedSnapshotError } from "../snapshot/receive.js";
import type { IncomingSnapshot } from "../snapshot/receive.js";
import { RESUME_MS } from "../snapshot/send.js";
import type { IncomingSnapshotCall } from "../snapshot/streams.js";
import { metaFromWire } from "../transport/wire.js";
import type { WireSnapshotChunk } from "../transport/wire.js";
import type { RaftLogger, StateMachine } from "./api.js";
import type { Persistence } from "./persistence.js";
import type { Surroundings } from "./surroundings.js";
import type { Turns } from "./turns.js";

export interface SnapshotInstallPort extends Pick<Surroundings, "now" | "after"> {
  readonly id: NodeId;
  readonly log: DurableLog;
  readonly machine: StateMachine;
  readonly machineTurns: Turns;
  readonly persistence: Persistence;
  readonly logger: RaftLogger;
  /** Gives the core a message and does what it then wants done, before it returns. */
  readonly step: (message: Message) => void;
  readonly status: () => { readonly commitIndex: LogIndex; readonly term: Term };
  /** The core must hear how an accepted snapshot ended: its meta, or undefined for a failure. */
  readonly finished: (meta: SnapshotMeta | undefined, milliseconds: number) => void;
  readonly fail: (error: unknown) => void;
}

/** The follower's side: a stream arrives, the core decides about it, the state and then the log are replaced. One at a time. */
export interface SnapshotInstall {
  receive(call: IncomingSnapshotCall): Promise<void>;
  /** The core accepted `meta`. */
  accept(meta: SnapshotMeta): void;
  /** The core's term may have. */
  termChanged(): void;
  /** This member stops: what is on its way is given up. */
  abandon(): void;
  idle(): Promise<void>;
}

/** One state on its way in. */
interface Arrival {
  readonly transfer: string;
  readonly senderTerm: Term;
  readonly meta: SnapshotMeta;
  readonly incoming: IncomingSnapshot;
  /** The stream it comes over; undefined while another is waited for. */
  call: IncomingSnapshotCall | undefined;
  /** Ends the waiting for another. */
  stopWaiting: () => void;
}

export function createSnapshotInstall(port: SnapshotInstallPort): SnapshotInstall {
  const { log, machine } = port;
  let arrival: Arrival | undefined;
  let installing: Promise<boolean> | undefined;

  /** True once installed. A failure before the state was replaced leaves the old one; one after it is fatal. */
  async function install({ meta, incoming }: Arrival): Promise<boolean> {
    try {
      // Entries queued before the core accepted are in the log before the announcement: after it, none are written.
      await port.persistence.idle();
      await log.expectSnapshot(meta);
      await machine.installSnapshot(meta, incoming.chunks);
    } catch (error) {
      incoming.giveUp("the install failed");
      port.logger.log("warn", "installing the leader's state failed; the old one stays", { reason: String(error) });
      return false;
    }
    await port.persistence.reset(meta);
    port.logger.log("info", "installed the leader's state", { index: meta.index });
    return true;
  }

  function finish(call: IncomingSnapshotCall | undefined, installed: boolean): void {
    call?.write({ done: true, installed });
    call?.end();
  }

  /** What comes over one stream; it ends with the state, or breaks, and another may follow. */
  async function pump(found: Arrival, call: IncomingSnapshotCall, messages: AsyncIterator<WireSnapshotChunk>): Promise<void> {
    found.stopWaiting();
    found.call = call;
    call.write({ received: found.incoming.received() });
    try {
      for (let next = await messages.next(); !next.done && !found.incoming.isComplete(); next = await messages.next()) {
        await found.incoming.take(next.value);
        if (found.call !== call) return;
        if (found.incoming.isComplete()) return;
        call.write({ received: found.incoming.received() });
      }
    } catch (error) {
      port.logger.log("warn", "a stream of the leader's state broke", { reason: String(error), received: found.incoming.received() });
      // What is damaged comes again, over another stream.
      if (error instanceof DamagedSnapshotError) call.emit("error", { code: grpc.status.DATA_LOSS, details: error.message });
    }
    if (found.call !== call || arrival !== found) return;
    found.call = undefined;
    if (isOutdated(found)) return;
    found.stopWaiting = port.after(RESUME_MS, () => found.incoming.giveUp("the stream broke, and no other followed"));
  }

  /** Gives up a broken one whose leader is deposed: nobody will go on with it, and the next leader waits. */
  function isOutdated(found: Arrival): boolean {
    if (found.call || port.status().term <= found.senderTerm) return false;
    found.incoming.giveUp("its leader leads no more");
    return true;
  }

  /** Whether the state on its way makes room for a new one: its leader is deposed, or its stream broke and this is not it again. */
  function yieldTo(found: Arrival, senderTerm: Term): void {
    if (senderTerm < found.senderTerm || (senderTerm === found.senderTerm && found.call)) return;
    found.incoming.giveUp("another state is offered in its place");
  }

  async function begin(call: IncomingSnapshotCall, messages: AsyncIterator<WireSnapshotChunk>, header: NonNullable<WireSnapshotChunk["header"]>): Promise<void> {
    const meta = metaFromWire(header);
    const found: Arrival = { transfer: header.transfer, senderTerm: header.sender_term, meta, incoming: createIncomingSnapshot(), call, stopWaiting: () => undefined };
    arrival = found;
    port.step({ type: "snapshot", from: header.from, to: port.id, term: header.sender_term, meta });
    if (installing) {
      await pump(found, call, messages);
      return;
    }
    // Not accepted: the core has the entries, or the sender leads no more.
    arrival = undefined;
    finish(call, port.status().commitIndex >= meta.index);
  }

  return {
    async receive(call) {
      const messages = call[Symbol.asyncIterator]();
      try {
        const { value } = await messages.next();
        const header = (value as WireSnapshotChunk | undefined)?.header;
        if (header && arrival?.transfer === header.transfer && !arrival.incoming.isComplete()) {
          arrival.call?.end();
          await pump(arrival, call, messages);
        } else if (header && !arrival && !installing) await begin(call, messages, header);
        else {
          if (header && arrival) yieldTo(arrival, header.sender_term);
          finish(call, false);
        }
      } catch (error) {
        port.logger.log("warn", "receiving a state failed", { reason: String(error) });
        call.end();
      }
    },
    accept(meta) {
      const accepted = arrival;
      if (!accepted || accepted.meta !== meta) {
        port.finished(undefined, 0);
        return;
      }
      const since = port.now();
      installing = port.machineTurns.run(() => install(accepted));
      installing.then(
        (installed) => {
          installing = undefined;
          arrival = undefined;
          accepted.stopWaiting();
          finish(accepted.call, installed);
          port.finished(installed ? meta : undefined, port.now() - since);
        },
        port.fail,
      );
    },
    termChanged: () => void (arrival && isOutdated(arrival)),
    abandon: () => arrival?.incoming.giveUp("this member stops"),
    idle: async () => void (await installing?.catch(() => undefined)),
  };
}
