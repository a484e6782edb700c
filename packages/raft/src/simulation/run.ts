import type { Breakage } from "./breakages.js";
import { FAIR } from "./network.js";
import { TICK } from "./member.js";
import type { Member } from "./member.js";
import { changeMembership, createWorld, Violation } from "./world.js";
import type { World } from "./world.js";

export interface RunOptions {
  readonly seed: number;
  /** How long faults go on, in ticks. */
  readonly ticks?: number;
  readonly breakage?: Breakage;
}

export interface RunResult {
  readonly seed: number;
  /** What did not hold, or undefined. */
  readonly violation: string | undefined;
  /** When, in ticks. */
  readonly tick: number;
  readonly counts: World["checker"]["counts"];
}

const DEFAULT_TICKS = 500;
/** Once everything is well again, the cluster must work within this many ticks. */
const PROGRESS_TICKS = 300;
const STABLE_TICKS = 60;

/** Plays one seed: faults for a while, then calm, in which the cluster has to come back. */
export function run({ seed, ticks = DEFAULT_TICKS, breakage = {} }: RunOptions): RunResult {
  const world = createWorld(seed, breakage);
  let violation: string | undefined;
  try {
    for (let tick = 0; tick < ticks; tick++) {
      disturb(world);
      work(world);
      world.pass(1);
    }
    recover(world);
  } catch (error) {
    // An invariant of the core itself is as good a find as one of the checker.
    violation = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (error instanceof TypeError || error instanceof ReferenceError) throw error;
  }
  return { seed, violation, tick: Math.floor(world.clock.now() / TICK), counts: world.checker.counts };
}

function work(world: World): void {
  const { random, members } = world;
  // To everyone who believes to lead: the one cut off from the rest too.
  for (const member of members) if (member.running()?.core.status().role === "leader" && random.chance(0.5)) world.write(member);
  if (random.chance(0.3)) world.read(random.pick(members));
}

/** Each fault is rare; together they leave little peace. */
function disturb(world: World): void {
  const { random, network, members } = world;
  const leader = world.leader();
  const victim = leader && random.chance(0.4) ? leader : random.pick(members);
  if (random.chance(0.02)) crash(world, victim.id);
  if (random.chance(0.015)) victim.pause(random.int(2, 25) * TICK);
  if (random.chance(0.02)) partition(world);
  if (random.chance(0.02)) network.cut(random.pick(members).id, random.pick(members).id);
  if (random.chance(0.03)) network.healLinks();
  if (random.chance(0.02)) network.weather = { loss: random.pick([0, 0, 0.05, 0.3]), duplication: random.pick([0, 0.2]), delay: random.pick([2, 2, 10, 60]) };
  if (leader && random.chance(0.02)) leader.drive(({ core }) => void core.transferLeadership(undefined));
  if (random.chance(0.01)) victim.drive(({ core }) => core.setCanLead(random.chance(0.7)));
  if (random.chance(0.01)) victim.drive(({ core }) => core.campaign());
  if (random.chance(0.01)) rivals(world);
  if (leader && random.chance(0.04)) changeMembership(world, leader);
  if (random.chance(0.02)) victim.drive(({ core }) => members.forEach(({ id }) => core.reportUnreachable(id)));
}

function crash({ clock, random, members }: World, id: string): void {
  const member = members.find((one) => one.id === id)!;
  if (!member.running()) return;
  member.crash();
  clock.after(random.pick([1, 1, TICK, 40 * TICK]) * random.int(1, 3), () => member.start());
}

/** Two are told to take over in one term, do not hear of each other, and a voter restarts in between. */
function rivals(world: World): void {
  const { clock, random, network, members } = world;
  const inForce = world.leader()?.running()?.core.status().configuration.servers ?? [];
  const able = members.filter(({ id }) => inForce.some((server) => server.id === id && server.voter));
  if (able.length < 3) return;
  const from = random.int(0, able.length - 1);
  const [one, other, voter] = [0, 1, 2].map((step) => able[(from + step) % able.length]!) as [Member, Member, Member];
  network.cut(one.id, other.id);
  network.cut(other.id, one.id);
  const promote = ({ id, drive }: Member) => drive(({ core }) => core.step({ type: "timeout-now", from: voter.id, to: id, term: core.status().term }));
  clock.after(1, () => promote(one));
  clock.after(random.int(8, 3 * TICK), () => promote(other));
  clock.after(random.int(8, 3 * TICK), () => crash(world, voter.id));
}

function partition({ random, network, members }: World): void {
  const side = new Set(members.filter(() => random.chance(0.5)));
  for (const one of members) {
    for (const other of members) {
      if (side.has(one) !== side.has(other)) network.cut(one.id, other.id);
    }
  }
}

/** Faults are over: a write reaches every server of the configuration, reads are answered, and leadership stays where it is. */
function recover(world: World): void {
  const { network, members, clock } = world;
  network.healLinks();
  network.weather = FAIR;
  const deadline = clock.now() + PROGRESS_TICKS * TICK;
  const remains = () => clock.now() < deadline;
  for (const member of members) member.pause(0);
  world.pass(60);
  for (const member of members) member.drive(({ core }) => core.setCanLead(true));

  let data: string | undefined;
  let tries = 0;
  while (remains() && !(data && world.checker.isCommitted(data))) {
    const leader = world.leader();
    if (leader && tries++ % 20 === 0) data = world.write(leader);
    world.pass(1);
  }
  const inForce = () => members.filter((member) => world.leader()?.running()?.core.status().configuration.servers.some(({ id }) => id === member.id));
  const isEven = () => {
    const target = world.leader()?.running()?.core.status().commitIndex;
    return target !== undefined && inForce().every((member) => (member.running()?.core.status().appliedIndex ?? 0) >= target);
  };
  while (remains() && !isEven()) world.pass(1);
  let answered = 0;
  const readers = inForce();
  for (const member of readers) world.read(member, () => void (answered += 1));
  while (remains() && answered < readers.length) world.pass(1);
  if (!data || !world.checker.isCommitted(data) || !isEven() || answered < readers.length || readers.length === 0) throw new Violation(`no progress within ${PROGRESS_TICKS} ticks of calm`);

  const term = () => world.leader()?.running()?.core.status().term;
  const before = term();
  world.pass(STABLE_TICKS);
  if (term() !== before) throw new Violation("leadership moved though nothing was wrong");
}
