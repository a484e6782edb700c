import type { Message, NodeId } from "../core/types.js";
import type { Clock } from "./clock.js";
import type { Random } from "./random.js";

/** Loses, delays, duplicates, reorders, and cuts single directions of links. */
export interface Network {
  send(message: Message): void;
  isCut(from: NodeId, to: NodeId): boolean;
  /** Messages from one to the other vanish. */
  cut(from: NodeId, to: NodeId): void;
  /** Whoever stands on different sides does not hear of each other. */
  divide(...sides: readonly (readonly NodeId[])[]): void;
  healLinks(): void;
  weather: Weather;
}

export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  /** Longest delay, in moments; differing delays reorder. */
  readonly delay: number;
}

export const FAIR: Weather = { loss: 0, duplication: 0, delay: 2 };

export function createNetwork(clock: Clock, random: Random, deliver: (message: Message) => void): Network {
  const cuts = new Set<string>();
  const isCut = (from: NodeId, to: NodeId) => cuts.has(`${from}>${to}`);
  return {
    weather: FAIR,
    send(message) {
      if (isCut(message.from, message.to) || random.chance(this.weather.loss)) return;
      const copies = random.chance(this.weather.duplication) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) clock.after(random.int(1, this.weather.delay), () => deliver(message));
    },
    isCut,
    cut: (from, to) => void cuts.add(`${from}>${to}`),
    divide(...sides) {
      for (const side of sides) for (const other of sides) if (side !== other) for (const from of side) for (const to of other) cuts.add(`${from}>${to}`);
    },
    healLinks: () => cuts.clear(),
  };
}
