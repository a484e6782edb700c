import type { Configuration, Message, NodeId, Server } from "../core/types.js";
import { voters } from "../core/quorum.js";
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
  leader(): Member | undefined;
  /** Offers a write to a member; its outcome goes to the checker. */
  write(member: Member): string;
  read(member: Member, done?: () => void): void;
  /** Lets time pass, in ticks. */
  pass(ticks: number): void;
}

export const server = (id: NodeId, voter: boolean): Server => ({ id, address: `${id}:1`, voter });

export function createWorld(seed: number, breakage: Breakage): World {
  const random = createRandom(seed);
  const clock = createClock();
  const members: Member[] = [];
  const checker = createChecker(() => members);
  const find = (id: NodeId) => members.find((member) => member.id === id)!;
  const network = createNetwork(clock, random, (message: Message) => find(message.to).receive(breakage.tampers?.(message) ?? message));

  const founders = Array.from({ length: random.pick([1, 3, 3, 3, 5]) }, (_, i) => `m${i + 1}`);
  const bootstrap: Configuration = { servers: founders.map((id) => server(id, true)) };
  const spares = Array.from({ length: 2 }, (_, i) => `m${founders.length + i + 1}`);
  for (const id of [...founders, ...spares]) {
    const member = createMember(id, founders.includes(id) ? bootstrap : undefined, {
      clock, random, checker, breakage,
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
    const pace = TICK - 1 + random.int(0, 2);
    clock.after(random.int(0, pace), function beat() {
      member.tick();
      clock.after(pace, beat);
    });
  }

  for (const member of members) member.start();

  let writes = 0;
  return {
    clock, random, network, checker, members,
    leader: () => members.filter((member) => member.running()?.core.status().role === "leader").sort((a, b) => b.running()!.core.status().term - a.running()!.core.status().term)[0],
    write(member) {
      const text = `w${++writes}`;
      const data = `normal:${text}`;
      member.drive(({ core, proposals }) => {
        const proposed = core.propose(Buffer.from(text));
        if (!proposed.ok) return;
        proposals.add(proposed.index, proposed.term, 1, (result) => {
          if (result.outcome === "applied") checker.acknowledged(result.index, data);
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
    pass(ticks) {
      const until = clock.now() + ticks * TICK;
      while (clock.step(until));
    },
  };
}

/** One step of a membership change, as the host's membership does it: a learner first, then its vote; or a removal. */
export function changeMembership({ random, members }: World, leader: Member): void {
  leader.drive(({ core }) => {
    const { configuration, peers } = core.status();
    const outside = members.filter((member) => !configuration.servers.some(({ id }) => id === member.id));
    const learner = configuration.servers.find(({ id, voter }) => !voter && (peers.find((peer) => peer.id === id)?.matchIndex ?? 0) > 0);
    const edits: Configuration["servers"][] = [];
    if (learner) edits.push(configuration.servers.map((one) => (one === learner ? { ...one, voter: true } : one)));
    if (outside.length > 0) edits.push([...configuration.servers, server(random.pick(outside).id, false)]);
    if (voters(configuration).length > 1) {
      const gone = random.pick(configuration.servers);
      edits.push(configuration.servers.filter((one) => one !== gone));
    }
    const servers = random.pick(edits);
    if (servers?.some((one) => one.voter)) core.proposeConfiguration({ servers });
  });
}

export { Violation };
