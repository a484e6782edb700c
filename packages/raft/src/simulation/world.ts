import { createCore } from "../core/core.js";
import type { Configuration, Message, NodeId, Server } from "../core/types.js";
import type { Breakage } from "./breakages.js";
import { createChecker, Violation } from "./checker.js";
import type { Checker } from "./checker.js";
import { createClock } from "./clock.js";
import type { Clock } from "./clock.js";
import { createMember, TICK } from "./member.js";
import type { Member } from "./member.js";
import { createNetwork } from "./network.js";
import type { Network } from "./network.js";
import { createRandom } from "./random.js";
import type { Random } from "./random.js";

/** Members, what lies between them, and the one who watches. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly checker: Checker;
  readonly members: readonly Member[];
  /** Whether reads are answered by a lease. Then nobody campaigns who has not missed its leader, and clocks keep within bounds. */
  readonly lease: boolean;
  leader(): Member | undefined;
  /** Offers a write to a member; its outcome goes to the checker. */
  write(member: Member): string;
  read(member: Member, done?: () => void): void;
  /** No client writes of its own accord for so many ticks. */
  hush(ticks: number): void;
  isHushed(): boolean;
  /** Lets time pass, in ticks. */
  pass(ticks: number): void;
  /** From now on the members' clocks run at these moments a tick, each at its own; closer together where there is a lease. */
  pace(slowest: number, fastest: number): void;
}

export const server = (id: NodeId, voter: boolean): Server => ({ id, address: `${id}:1`, voter });

export function createWorld(seed: number, breakage: Breakage, core = createCore): World {
  const random = createRandom(seed);
  const clock = createClock();
  const members: Member[] = [];
  const paces = new Map<NodeId, number>();
  const lease = seed % 2 === 1;
  const checker = createChecker(() => members);
  const find = (id: NodeId) => members.find((member) => member.id === id)!;
  const network = createNetwork(clock, random, (message: Message) => find(message.to).receive(breakage.tampers?.(message) ?? message));

  const founders = Array.from({ length: random.pick([1, 2, 3, 3, 3, 4, 5]) }, (_, i) => `m${i + 1}`);
  const bootstrap: Configuration = { servers: founders.map((id) => server(id, true)) };
  const spares = Array.from({ length: 2 }, (_, i) => `m${founders.length + i + 1}`);
  for (const id of [...founders, ...spares]) {
    let [beats, lastBeat, lastPace] = [0, 0, TICK];
    const member = createMember(id, founders.includes(id) ? bootstrap : undefined, {
      clock, random, checker, breakage, createCore: core,
      leaseClock: lease ? () => beats + (clock.now() - lastBeat) / lastPace : undefined,
      send(message) {
        network.send(message);
        const forged = breakage.forges?.(message);
        if (forged) clock.after(1, () => find(forged.to).receive(forged));
      },
      ship(parcel, done) {
        const time = network.transferTime(parcel.from, parcel.to);
        if (time === undefined) clock.after(30, () => done(false));
        else clock.after(time, () => find(parcel.to).receiveParcel(parcel, done));
      },
    });
    members.push(member);
    // Clocks of the members are out of step, and a little differently fast.
    paces.set(id, random.int(TICK - 1, TICK + 1));
    clock.after(random.int(0, TICK), function beat() {
      [beats, lastBeat, lastPace] = [beats + 1, clock.now(), paces.get(id)!];
      member.tick();
      clock.after(lastPace, beat);
    });
  }

  for (const member of members) member.start();

  let writes = 0;
  let hushedUntil = 0;
  return {
    clock, random, network, checker, members, lease,
    leader: () => members.filter((member) => member.running()?.core.status().role === "leader").sort((a, b) => b.running()!.core.status().term - a.running()!.core.status().term)[0],
    write(member) {
      const text = `w${++writes}`;
      const data = `normal:${text}`;
      const floor = checker.floor();
      member.drive(({ core, proposals }) => {
        const proposed = core.propose(Buffer.from(text));
        if (!proposed.ok) return;
        proposals.add(proposed.index, proposed.term, 1, (result) => {
          if (result.outcome === "applied") checker.acknowledged(result.index, data, floor);
          else if (result.outcome === "not-leader") checker.denied(data);
        });
      });
      return data;
    },
    read(member, done) {
      const floor = checker.floor();
      member.drive(({ reads }) => reads.request((outcome) => {
        if (outcome.outcome !== "ready") return;
        checker.read(outcome.index, floor);
        done?.();
      }));
    },
    hush: (ticks) => void (hushedUntil = clock.now() + ticks * TICK),
    isHushed: () => clock.now() < hushedUntil,
    pass(ticks) {
      const until = clock.now() + ticks * TICK;
      while (clock.step(until));
    },
    pace(slowest, fastest) {
      for (const { id } of members) {
        if (!lease) paces.set(id, random.int(fastest, slowest));
        else paces.set(id, breakage.clocksApart ? random.pick([TICK / 2, TICK * 4]) : random.int(TICK - 1, TICK + 1));
      }
    },
  };
}

export { Violation };
