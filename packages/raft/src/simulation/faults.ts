import type { NodeId } from "../core/types.js";
import { forgetful, handover, leftAlone, silence, sleeper } from "./lease-plots.js";
import { TICK } from "./member.js";
import type { Crash, Member } from "./member.js";
import { changeMembership, isDispensable, repair } from "./membership.js";
import { changesApart, coup, deposition, purge, rivals } from "./plots.js";
import type { World } from "./world.js";

const PLOTS = [rivals, rivals, coup, changesApart, purge, deposition];
const LEASE_PLOTS = [coup, purge, forgetful, forgetful, forgetful, forgetful, handover, handover, leftAlone, sleeper, sleeper, silence, silence];

/** Each fault is rare; together they leave little peace. */
export function disturb(world: World): void {
  const { random, network, members } = world;
  const leader = world.leader();
  const victim = leader && random.chance(0.4) ? leader : random.pick(members);
  if (random.chance(0.02)) crash(world, victim.id);
  if (random.chance(0.01) && isDispensable(world, victim)) crash(world, victim.id, "disk");
  // An install that is cut short, at either end.
  for (const { from, to } of world.transfers()) if (random.chance(0.03)) crash(world, random.pick([from, to, to]));
  // A start that is cut short.
  for (const member of members) if (member.isStarting() && random.chance(0.04)) crash(world, member.id);
  repair(world, leader);
  if (random.chance(0.015)) victim.pause(random.int(2, 25) * TICK);
  if (random.chance(0.02)) partition(world);
  if (random.chance(0.02)) network.cut(random.pick(members).id, random.pick(members).id);
  if (random.chance(0.01)) oneWay(world, victim);
  if (random.chance(0.03)) network.healLinks();
  if (random.chance(0.02)) network.weather = { loss: random.pick([0, 0, 0.05, 0.3]), duplication: random.pick([0, 0.2]), delay: random.pick([2, 2, 10, 60]) };
  if (random.chance(0.01)) world.pace(...random.pick([[TICK + 1, TICK - 1], [TICK * 2, TICK / 2]] as const));
  if (leader && random.chance(0.02)) transfer(world, leader);
  if (random.chance(0.01)) victim.drive(({ core }) => core.setCanLead(random.chance(0.7)));
  if (random.chance(0.01) && !world.lease) victim.drive(({ core }) => core.campaign());
  if (leader && random.chance(0.04)) changeMembership(world, leader);
  if (random.chance(0.02)) victim.drive(({ core }) => members.forEach(({ id }) => core.reportUnreachable(id)));
  if (leader?.running() && random.chance(0.04)) random.pick(world.lease ? LEASE_PLOTS : PLOTS)(world, leader);
}

/** To somebody in particular, fit or not, or to whom the leader thinks best. */
function transfer({ random, members, checker }: World, leader: Member): void {
  const to = random.pick([undefined, random.pick(members).id]);
  leader.drive(({ core }) => void (checker.counts.transfers += core.transferLeadership(to) ? 1 : 0));
}

/** One is not heard by the others but hears them, or the other way round. */
function oneWay({ random, network, members }: World, one: Member): void {
  const isMute = random.chance(0.5);
  for (const { id } of members) network.cut(isMute ? one.id : id, isMute ? id : one.id);
}

function partition({ random, network, members }: World): void {
  const sides: [NodeId[], NodeId[]] = [[], []];
  for (const { id } of members) random.pick(sides).push(id);
  network.divide(...sides);
}

function crash({ clock, random, members }: World, id: NodeId, what: Crash = random.chance(0.7) ? "power" : "process"): void {
  const member = members.find((one) => one.id === id)!;
  if (!member.running() && !member.isStarting()) return;
  member.crash(what);
  clock.after(random.pick([1, 1, TICK, 40 * TICK]) * random.int(1, 3), member.start);
}
