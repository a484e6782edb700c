import type { NodeId } from "../core/types.js";
import type { Surroundings } from "../host/surroundings.js";
import type { TransportEvents } from "../transport/transport.js";
import type { Port } from "./port.js";
import type { Process } from "./process.js";

/** What the host's milliseconds are in moments. */
const MOMENT_MS = 5;
const TICK_MS = 50;
/** Clocks differ by no more, where there is a lease. */
const LEASE_DRIFT = 0.2;

export interface SimulatedSurroundings extends Surroundings {
  /** The process's clock ticks. */
  tick(): void;
  /** Once the host listens. */
  events(): TransportEvents | undefined;
}

/** Time, chance and network of a host that runs in the simulation. `ticks`: while it did not stand still. */
export function createSurroundings(id: NodeId, process: Process, port: Port, ticks: () => number): SimulatedSurroundings {
  const { clock, random, shipped } = port;
  let tick = () => undefined as void;
  let events: TransportEvents | undefined;
  return {
    tick: () => tick(),
    events: () => events,
    now: () => clock.now() * MOMENT_MS,
    leaseClock: () => (port.breakage.clockStops ? ticks() : (port.leaseClock?.() ?? 0)) * TICK_MS,
    leaseDrift: LEASE_DRIFT,
    random: random.next,
    uniqueId: port.uniqueId,
    after(milliseconds, job) {
      let isOff = false;
      process.later(Math.ceil(milliseconds / MOMENT_MS), () => void (isOff || job()));
      return () => void (isOff = true);
    },
    every(_, job) {
      tick = job;
      return () => void (tick = () => undefined);
    },
    nextTurn: (job) => process.later(random.int(0, 1), job),
    createCore: shipped.createCore,
    async startTransport(_, __, given) {
      events = given;
      let known: ReadonlySet<NodeId> = new Set();
      return {
        send: (messages) => messages.forEach(port.send),
        setServers: (servers) => void (known = new Set(servers.map((server) => server.id))),
        peer: (to) => (known.has(to) && to !== id ? { openSnapshot: () => port.openStream({ id, process }, to) } : undefined),
        queuedBytes: () => 0,
        sentBytes: () => 0,
        close: async () => undefined,
      };
    },
  };
}
