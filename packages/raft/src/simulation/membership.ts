import type { Server } from "../core/types.js";
import { TICK } from "./member.js";
import type { Member } from "./member.js";
import { server } from "./world.js";
import type { World } from "./world.js";

/** After this long nothing that a damaged member said is on its way any more. */
const QUARANTINE = 30 * TICK;

/** Proposes some other configuration: one edit, as the host's membership makes them, or several at once; at times another one right behind it. */
export function changeMembership({ random, members }: World, leader: Member): void {
  for (let proposals = random.pick([1, 1, 2, 3]); proposals > 0; proposals--) leader.drive(({ core }) => {
    const { configuration } = core.status();
    const isUsable = (id: string) => members.some((member) => member.id === id && member.damagedSince() === undefined);
    let servers: readonly Server[] = configuration.servers;
    for (let edits = random.pick([1, 1, 1, 2, 3, 4]); edits > 0; edits--) servers = random.pick(editsOf(servers, leader.id, members)) ?? servers;
    if (servers.every(({ id }) => isUsable(id))) core.proposeConfiguration({ servers });
  });

  function editsOf(servers: readonly Server[], leaderId: string, all: readonly Member[]): (readonly Server[])[] {
    const outside = all.filter(({ id }) => !servers.some((one) => one.id === id));
    const without = (id: string) => servers.filter((one) => one.id !== id);
    const withVote = (id: string, voter: boolean) => servers.map((one) => (one.id === id ? server(id, voter) : one));
    const learners = servers.filter(({ voter }) => !voter);
    const voting = servers.filter(({ voter }) => voter);
    return [
      ...(outside.length > 0 ? [[...servers, server(random.pick(outside).id, random.chance(0.3))], [...servers, server(random.pick(outside).id, false)]] : []),
      ...(learners.length > 0 ? [withVote(random.pick(learners).id, true), withVote(random.pick(learners).id, true)] : []),
      ...(voting.length > 1 ? [without(random.pick(voting).id), withVote(random.pick(voting).id, false), without(leaderId)] : []),
    ];
  }
}

/** The operator's answer to a damaged log, as its message says: removed from the cluster, given an empty disk, started anew. */
export function repair({ clock, members }: World, leader: Member | undefined): void {
  const damaged = members.find((member) => member.damagedSince() !== undefined);
  const running = leader?.running();
  if (!damaged || !leader || !running) return;
  const { configuration, configurationIndex, commitIndex } = running.core.status();
  if (configuration.servers.some(({ id }) => id === damaged.id)) {
    leader.drive(({ core }) => void core.proposeConfiguration({ servers: core.status().configuration.servers.filter(({ id }) => id !== damaged.id) }));
  } else if (commitIndex >= configurationIndex && clock.now() - damaged.damagedSince()! > QUARANTINE) damaged.replaceDisk();
}

/** Whether the cluster bears the loss of this member's disk: everyone is there, and no change is under way that might need it. */
export function isDispensable({ members }: World, member: Member): boolean {
  const all = members.flatMap((one) => one.running()?.core.status() ?? []);
  const newest = Math.max(...all.map((status) => status.configurationIndex));
  const configuration = all.find((status) => status.configurationIndex === newest)?.configuration;
  if (all.length < members.length || !configuration || configuration.outgoing || all.some((status) => status.configurationIndex > status.commitIndex)) return false;
  return configuration.servers.filter(({ id, voter }) => voter && id !== member.id).length >= 2;
}
