import type { NodeId } from "../core/types.js";
import { TICK } from "./member.js";
import type { Member } from "./member.js";
import { FAIR } from "./network.js";
import type { World } from "./world.js";

/** Sequences of faults that chance alone seldom finds: each is the story of a known way to get consensus wrong. */

/** Two are told to take over in one term, do not hear of each other, and a voter restarts in between. */
export function rivals(world: World, leader: Member): void {
  const { clock, random, network } = world;
  const able = votersOf(world, leader);
  if (able.length < 3) return;
  const [one, other, voter] = shuffled(world, able) as [Member, Member, Member];
  network.weather = FAIR;
  network.divide([one.id], [other.id]);
  clock.after(1, () => promote(one));
  const between = random.int(10, 2 * TICK);
  clock.after(between, () => promote(other));
  clock.after(between + random.int(-2, 2), () => {
    if (!voter.running()) return;
    voter.crash();
    clock.after(1, voter.start);
  });
}

/** A leader and its learners, on one side of a partition, vote the others out, who elect another. */
export function coup(world: World, leader: Member): void {
  const { clock, random, network, members } = world;
  const { servers } = leader.running()!.core.status().configuration;
  const party = servers.filter(({ id, voter }) => id === leader.id || (!voter && members.some((one) => one.id === id && one.running())));
  const rest = members.filter(({ id }) => !party.some((one) => one.id === id)).map(({ id }) => id);
  if (party.length < 2) return;
  network.weather = FAIR;
  network.divide(party.map(({ id }) => id), rest);
  leader.drive(({ core }) => void core.proposeConfiguration({ servers: party.map((one) => ({ ...one, voter: true })) }));
  clock.after(random.int(5, 10) * TICK, () => world.write(leader));
}

/** A leader that is alone removes one after the other who cannot object. */
export function purge(world: World, leader: Member): void {
  const { clock, network, members } = world;
  network.divide([leader.id], members.filter((member) => member !== leader).map(({ id }) => id));
  for (const { id } of votersOf(world, leader)) {
    if (id !== leader.id) leader.drive(({ core }) => void core.proposeConfiguration({ servers: core.status().configuration.servers.filter((one) => one.id !== id) }));
  }
  clock.after(4 * TICK, () => world.write(leader));
}

/** A leader is cut off, the others elect another and go on: what the first tells a reader meanwhile is old. */
export function deposition(world: World, leader: Member): void {
  const { clock, random, network, members } = world;
  const heir = random.pick(votersOf(world, leader).filter((member) => member !== leader));
  if (!heir) return;
  network.weather = FAIR;
  network.divide([leader.id], members.filter((member) => member !== leader).map(({ id }) => id));
  clock.after(1, () => promote(heir));
  for (let ticks = 2; ticks < 8; ticks++) {
    clock.after(ticks * TICK, () => world.write(heir));
    clock.after(ticks * TICK + 5, () => world.read(leader));
  }
}

/**
 * Ongaro's note of 2015: two leaders of an even number of servers each remove a server of the other's, and the second does so
 * before anything of its own term is committed. The two configurations have majorities that do not meet.
 */
export function changesApart(world: World, first: Member): void {
  const { clock, network, members } = world;
  const able = votersOf(world, first);
  if (able.length !== 4) return;
  const [second, torn, loyal] = shuffled(world, able.filter((member) => member !== first)) as [Member, Member, Member];
  const without = (leader: Member, gone: NodeId) => leader.drive(({ core }) => void core.proposeConfiguration({ servers: core.status().configuration.servers.filter(({ id }) => id !== gone) }));
  network.weather = FAIR;
  network.divide([first.id], members.filter((member) => member !== first).map(({ id }) => id));
  without(first, loyal.id);
  clock.after(3, () => promote(second));
  const end = clock.now() + 6 * TICK;
  clock.after(4, function watch() {
    // It votes, and hears no more of whom it voted for.
    if (torn.running()?.core.status().vote === second.id) network.cut(second.id, torn.id);
    if (second.running()?.core.status().role === "leader") without(second, first.id);
    if (clock.now() < end) clock.after(1, watch);
    else {
      network.healLinks();
      network.divide([first.id, torn.id], [second.id, loyal.id]);
      promote(first);
      clock.after(4 * TICK, () => world.write(first));
    }
  });
}

/** As if the leader handed over to it. */
function promote({ id, drive }: Member): void {
  drive(({ core }) => core.step({ type: "timeout-now", from: id, to: id, term: core.status().term }));
}

export function votersOf({ members }: World, leader: Member): Member[] {
  const { servers } = leader.running()!.core.status().configuration;
  return members.filter(({ id }) => servers.some((server) => server.id === id && server.voter));
}

export function shuffled<T>({ random }: World, list: readonly T[]): T[] {
  return list.map((one) => ({ one, place: random.next() })).sort((a, b) => a.place - b.place).map(({ one }) => one);
}
