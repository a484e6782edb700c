import { EventEmitter } from "node:events";
import type { NodeId } from "../core/types.js";
import type { IncomingSnapshotCall, SnapshotCall } from "../snapshot/streams.js";
import type { WireSnapshotChunk } from "../transport/wire.js";
import type { Breakage } from "./breakages.js";
import type { Clock } from "./clock.js";
import type { Counts } from "./checker.js";
import type { Network } from "./network.js";
import type { Process } from "./process.js";
import type { Random } from "./random.js";

/** A link that is cut is noticed after this many moments by a stream on which nothing moves. */
const KEEPALIVE = 40;
const HEARD_WITHIN = 20;

export interface StreamsPort {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly breakage: Breakage;
  readonly counts: Counts;
  /** Hands the receiver's end to whoever runs there; undefined when nobody does. */
  readonly accept: (to: NodeId, call: IncomingSnapshotCall) => Process | undefined;
}

export interface Transfer {
  readonly from: NodeId;
  readonly to: NodeId;
}

export interface Streams {
  open(from: Endpoint, to: NodeId): SnapshotCall;
  underWay(): readonly Transfer[];
}

export interface Endpoint {
  readonly id: NodeId;
  readonly process: Process;
}

/** Streams as gRPC has them, over the simulated network: in order, and broken as a whole where anything is lost. At times what comes over one is not what was sent. */
export function createStreams({ clock, random, network, breakage, counts, accept }: StreamsPort): Streams {
  let underWay: readonly Transfer[] = [];

  function open(from: Endpoint, to: NodeId): SnapshotCall {
    const events = new EventEmitter();
    const incoming = createIncoming();
    let receiver: Process | undefined;
    const transfer: Transfer = { from: from.id, to };
    underWay = [...underWay, transfer];
    let isOver = false;
    let isProgressing = false;
    const connected = clock.now() + random.int(1, network.weather.delay);

    const isCut = () => network.isCut(from.id, to) || network.isCut(to, from.id);

    function close(): void {
      isOver = true;
      underWay = underWay.filter((one) => one !== transfer);
    }

    function breakOff(): void {
      if (isOver) return;
      close();
      from.process.later(random.int(1, HEARD_WITHIN), () => events.emit("error", new Error("the stream broke")));
      const isSilent = random.chance(0.5);
      receiver?.later(random.int(1, HEARD_WITHIN), () => incoming.finish(isSilent ? undefined : new Error("the stream broke")));
    }

    /** One direction: what goes in first comes out first. */
    function createLane(): (process: () => Process | undefined, job: () => void) => void {
      let free = connected;
      return (process, job) => {
        free = Math.max(free, clock.now() + random.int(1, network.weather.delay));
        clock.after(free - clock.now(), () => {
          if (isOver) return;
          if (isCut() || random.chance(network.weather.loss / 4)) breakOff();
          else process()?.later(0, () => void (isOver || job()));
        });
      };
    }
    clock.after(connected - clock.now(), () => {
      receiver = isOver || isCut() ? undefined : accept(to, {
        [Symbol.asyncIterator]: incoming.iterator,
        write: (progress) => down(() => from.process, () => {
          if (!isProgressing && (progress.received ?? 0) > 0) counts.resumes += 1;
          isProgressing = true;
          events.emit("data", progress);
        }),
        end: () => down(() => from.process, () => {
          close();
          events.emit("end");
        }),
        emit: (_, { details }) => down(() => from.process, () => {
          close();
          events.emit("error", new Error(details));
        }),
      });
      if (receiver) receiver.onEnd(breakOff);
      else breakOff();
    });
    const [up, down] = [createLane(), createLane()];
    from.process.onEnd(breakOff);
    clock.after(KEEPALIVE, function look() {
      if (isOver) return;
      if (isCut()) breakOff();
      else clock.after(KEEPALIVE, look);
    });

    return {
      write(chunk) {
        for (const one of tampered(chunk)) up(() => receiver, () => incoming.push(one));
        if (random.chance(0.8)) return true;
        from.process.later(random.int(1, 10), () => events.emit("drain"));
        return false;
      },
      on: (event: string, listener: (...given: never[]) => void) => events.on(event, listener as () => void),
      once: (event, listener) => events.once(event, listener),
      cancel: () => up(() => receiver, () => {
        close();
        incoming.finish(new Error("cancelled"));
      }),
      end: () => up(() => receiver, () => incoming.finish(undefined)),
    };

    /** In bad weather a chunk is lost, comes twice, or with a bit turned over. Not the last message, which no other follows: what is lost without a word at the end of a stream, the transport below must notice. */
    function tampered(chunk: WireSnapshotChunk): readonly WireSnapshotChunk[] {
      if (chunk.header) return [{ header: (breakage.repacks ?? ((header) => header))(chunk.header) }];
      if (!chunk.data || !random.chance(network.weather.loss / 3)) return [chunk];
      const kind = random.int(1, 3);
      if (kind < 3) return kind === 1 ? [] : [chunk, chunk];
      const data = Uint8Array.from(chunk.data);
      data[random.int(0, data.length - 1)]! ^= 1 << random.int(0, 7);
      return [{ ...chunk, data }];
    }
  }

  return { open, underWay: () => underWay };
}

interface Incoming {
  readonly iterator: () => AsyncIterator<WireSnapshotChunk>;
  push(chunk: WireSnapshotChunk): void;
  finish(error: Error | undefined): void;
}

function createIncoming(): Incoming {
  const queue: WireSnapshotChunk[] = [];
  let ending: { readonly error: Error | undefined } | undefined;
  let wake: () => void = () => undefined;
  async function* iterate(): AsyncGenerator<WireSnapshotChunk> {
    for (;;) {
      const next = queue.shift();
      if (next) yield next;
      else if (ending?.error) throw ending.error;
      else if (ending) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    iterator: iterate,
    push(chunk) {
      queue.push(chunk);
      wake();
    },
    finish(error) {
      ending ??= { error };
      wake();
    },
  };
}
