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
import { SHIPPED } from "./shipped.js";
import { MEMORY } from "./state.js";
import { createStreams } from "./streams.js";
import type { Transfer } from "./streams.js";

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
  /** States on their way. */
  transfers(): readonly Transfer[];
  /** Offers a write to a member; its outcome goes to the checker. */
  write(member: Member): string;
  read(member: Member, done?: () => void): void;
  /** No client writes of its own accord for so many ticks. */
  hush(ticks: number): void;
  isHushed(): boolean;
  /** Lets time pass, in ticks. Rejects with what did not hold. */
  pass(ticks: number): Promise<void>;
  /** From now on the members' clocks run at these moments a tick, each at its own; closer together where there is a lease. */
  pace(slowest: number, fastest: number): void;
}

/** Resolves when no promise has anything left to do: the next tick of Node comes after all of them. Nothing in a simulation waits for what is outside of it. */
const settle = () => new Promise<void>((resolve) => process.nextTick(resolve));

export const server = (id: NodeId, voter: boolean): Server => ({ id, address: `${id}:1`, voter });

export function createWorld(seed: number, breakage: Breakage, shipped = SHIPPED, service = MEMORY): World {
  const random = createRandom(seed);
  const clock = createClock();
  const members: Member[] = [];
  const paces = new Map<NodeId, number>();
  const lease = seed % 2 === 1;
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => void (failure ??= { error });
  const checker = createChecker(() => members, service.model(), fail);
  let ids = 0;
  const find = (id: NodeId) => members.find((member) => member.id === id)!;
  const network = createNetwork(clock, random, (message: Message) => {
    checker.note(clock.now(), message.term, members.indexOf(find(message.from)), members.indexOf(find(message.to)), message.type.length);
    find(message.to).receive(breakage.tampers?.(message) ?? message);
  });
  const streams = createStreams({ clock, random, network, breakage, counts: checker.counts, accept: (to, call) => find(to).receiveSnapshot(call) });

  const founders = Array.from({ length: random.pick([1, 2, 3, 3, 3, 4, 5]) }, (_, i) => `m${i + 1}`);
  const bootstrap: Configuration = { servers: founders.map((id) => server(id, true)) };
  const spares = Array.from({ length: 2 }, (_, i) => `m${founders.length + i + 1}`);
  for (const id of [...founders, ...spares]) {
    let [beats, lastBeat, lastPace] = [0, 0, TICK];
    const member = createMember(id, founders.includes(id) ? bootstrap : undefined, {
      clock, random, checker, breakage, shipped,
      openStream: streams.open,
      state: service.state(random),
      uniqueId: () => `${++ids}`,
      fail,
      leaseClock: lease ? () => beats + (clock.now() - lastBeat) / lastPace : undefined,
      send(message) {
        network.send(message);
        const forged = breakage.forges?.(message);
        if (forged) clock.after(1, () => find(forged.to).receive(forged));
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
    transfers: streams.underWay,
    leader: () => members.filter((member) => member.running()?.core.status().role === "leader").sort((a, b) => b.running()!.core.status().term - a.running()!.core.status().term)[0],
    write(member) {
      const bytes = service.entry(++writes, random);
      const data = `normal:${Buffer.from(bytes).toString()}`;
      const floor = checker.floor();
      member.propose(bytes).then((result) => {
        if (result.outcome === "applied" || result.outcome === "conflict") checker.acknowledged(result.index, data, floor);
        else if (result.outcome === "not-leader") checker.denied(data);
      }).catch(fail);
      return data;
    },
    read(member, done) {
      const floor = checker.floor();
      member.read().then((outcome) => {
        if (outcome.outcome !== "ready") return;
        checker.read(outcome.index, floor);
        done?.();
      }).catch(fail);
    },
    hush: (ticks) => void (hushedUntil = clock.now() + ticks * TICK),
    isHushed: () => clock.now() < hushedUntil,
    async pass(ticks) {
      const until = clock.now() + ticks * TICK;
      while (clock.step(until)) {
        await settle();
        if (failure) throw failure.error;
      }
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
