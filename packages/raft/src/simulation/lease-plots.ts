import { TICK } from "./member.js";
import type { Member } from "./member.js";
import { FAIR } from "./network.js";
import { shuffled, votersOf } from "./plots.js";
import type { World } from "./world.js";

/** Sequences of faults that a lease must survive: another leads, and the one before it has not heard of that. */

/** One that has heard no leader for long asks those for their vote who have just started, and had answered the leader before. */
export function forgetful(world: World, leader: Member): void {
  const { clock, network } = world;
  const [heir, ...voters] = shuffled(world, votersOf(world, leader).filter((member) => member !== leader));
  if (!heir || voters.length === 0) return;
  network.weather = FAIR;
  apart(world, heir);
  // With nothing written it has what the others have.
  world.hush(14);
  clock.after(12 * TICK, () => {
    network.healLinks();
    apart(world, leader);
    for (const voter of voters) {
      voter.crash();
      clock.after(1, voter.start);
    }
    clock.after(2, () => heir.drive(({ core }) => core.status().role === "pre-candidate" && core.campaign()));
    goOn(world, leader, 8);
  });
}

/** The leader leaves the cluster to one other alone, who falls silent once it has that on disk, and starts anew. */
export function leftAlone(world: World, leader: Member): void {
  const { clock, random, network } = world;
  const heir = random.pick(votersOf(world, leader).filter((member) => member !== leader));
  if (!heir) return;
  network.weather = FAIR;
  leader.drive(({ core }) => void core.proposeConfiguration({ servers: core.status().configuration.servers.filter(({ id }) => id === heir.id) }));
  const end = clock.now() + 4 * TICK;
  clock.after(1, function watch() {
    const status = heir.running()?.core.status();
    const isAlone = status?.configuration.servers.length === 1 && !status.configuration.outgoing;
    if (isAlone) network.cut(heir.id, leader.id);
    if (isAlone && heir.held().entry(status.configurationIndex)) {
      heir.crash();
      clock.after(1, heir.start);
      goOn(world, leader, 8);
    } else if (clock.now() < end) clock.after(1, watch);
  });
}

/** The leader hands over, and is cut off as soon as it has said so. */
export function handover(world: World, leader: Member): void {
  const { clock, random, network } = world;
  const heir = random.pick(votersOf(world, leader).filter((member) => member !== leader));
  if (!heir) return;
  network.weather = FAIR;
  leader.drive(({ core }) => void core.transferLeadership(heir.id));
  clock.after(random.int(2, 4), () => apart(world, leader));
  goOn(world, leader, 8);
}

/** The leader is cut off and stands still until another leads; its clients' questions are the first that it sees. */
export function sleeper(world: World, leader: Member): void {
  const { random, network } = world;
  const ticks = random.int(10, 22);
  network.weather = FAIR;
  apart(world, leader);
  leader.pause(ticks * TICK);
  goOn(world, leader, ticks + 2);
}

/** The leader is cut off, and the others elect another when they miss it. */
export function silence(world: World, leader: Member): void {
  world.network.weather = FAIR;
  apart(world, leader);
  goOn(world, leader, 20);
}

function apart({ network, members }: World, one: Member): void {
  network.divide([one.id], members.filter((member) => member !== one).map(({ id }) => id));
}

/** Clients write to whoever else leads, at once when somebody does, and read where it was before. */
function goOn(world: World, before: Member, ticks: number): void {
  const { clock, members } = world;
  const leads = (member: Member) => member !== before && member.running()?.core.status().role === "leader";
  const end = clock.now() + ticks * TICK;
  let written = 0;
  clock.after(1, function look() {
    world.read(before);
    if (clock.now() > written + TICK && members.some(leads)) {
      members.filter(leads).forEach(world.write);
      written = clock.now();
    }
    if (clock.now() < end) clock.after(2, look);
  });
}
