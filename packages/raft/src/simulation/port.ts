import type { Message, NodeId } from "../core/types.js";
import type { SnapshotCall } from "../snapshot/streams.js";
import type { Breakage } from "./breakages.js";
import type { Checker } from "./checker.js";
import type { Clock } from "./clock.js";
import type { Random } from "./random.js";
import type { Shipped } from "./shipped.js";
import type { SimulatedState } from "./state.js";
import type { Endpoint } from "./streams.js";

/** What a member gets from the world. */
export interface Port {
  readonly clock: Clock;
  readonly random: Random;
  readonly checker: Checker;
  readonly breakage: Breakage;
  readonly shipped: Shipped;
  readonly state: SimulatedState;
  readonly uniqueId: () => string;
  /** The member's own clock, in its ticks; it goes on while the member stands still. Undefined: no lease. */
  readonly leaseClock: (() => number) | undefined;
  readonly send: (message: Message) => void;
  readonly openStream: (from: Endpoint, to: NodeId) => SnapshotCall;
  /** Something did not hold. */
  readonly fail: (error: unknown) => void;
}
