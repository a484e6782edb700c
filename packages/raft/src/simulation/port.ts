import type { createCore } from "../core/core.js";
import type { Message } from "../core/types.js";
import type { Breakage } from "./breakages.js";
import type { Checker } from "./checker.js";
import type { Clock } from "./clock.js";
import type { Random } from "./random.js";
import type { Parcel } from "./shipping.js";

/** What a member gets from the world. */
export interface Port {
  readonly clock: Clock;
  readonly random: Random;
  readonly checker: Checker;
  readonly breakage: Breakage;
  readonly createCore: typeof createCore;
  /** The member's own clock, in its ticks; it goes on while the member stands still. Undefined: no lease. */
  readonly leaseClock: (() => number) | undefined;
  readonly send: (message: Message) => void;
  /** Carries a parcel; `done` tells its sender whether it was installed. */
  readonly ship: (parcel: Parcel, done: (installed: boolean) => void) => void;
}
