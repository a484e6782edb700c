import type { Breakage } from "./breakages.js";
import { disturb } from "./faults.js";
import { FAIR } from "./network.js";
import { TICK } from "./member.js";
import { repair } from "./membership.js";
import type { Counts } from "./checker.js";
import type { Shipped } from "./shipped.js";
import type { Service } from "./state.js";
import { createWorld, Violation } from "./world.js";
import type { World } from "./world.js";

export interface RunOptions {
  readonly seed: number;
  /** How long faults go on, in ticks. */
  readonly ticks?: number;
  readonly breakage?: Breakage;
  /** Where it is not the shipped code: `shippedWith(breakage.mutations)`. */
  readonly shipped?: Shipped;
  /** What is replicated; a memory, where nothing else is said. */
  readonly service?: Service;
}

export interface RunResult {
  readonly seed: number;
  /** What did not hold, or undefined. */
  readonly violation: string | undefined;
  /** When, in ticks. */
  readonly tick: number;
  readonly counts: Counts;
  /** Stands for all that was sent, committed and answered, when, and for all chance: equal for equal runs. */
  readonly digest: number;
}

const DEFAULT_TICKS = 500;
/** Once everything is well again, the cluster must work within this many ticks. */
const PROGRESS_TICKS = 300;
const STABLE_TICKS = 60;
/** No sequence of plots.ts goes on for longer. */
const PLOT_TICKS = 12;

/** Plays one seed: faults for a while, then calm, in which the cluster has to come back. */
export async function run({ seed, ticks = DEFAULT_TICKS, breakage, shipped, service }: RunOptions): Promise<RunResult> {
  const world = createWorld(seed, breakage ?? {}, shipped, service);
  let violation: string | undefined;
  try {
    for (let tick = 0; tick < ticks; tick++) {
      disturb(world);
      work(world);
      await world.pass(1);
    }
    await recover(world);
  } catch (error) {
    // An invariant of the core itself is as good a find as one of the checker.
    violation = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (!breakage && (error instanceof TypeError || error instanceof ReferenceError)) throw error;
  }
  // Chance was asked as often, or all that comes would differ.
  world.checker.note(world.clock.now(), world.random.int(0, 2 ** 30));
  return { seed, violation, tick: Math.floor(world.clock.now() / TICK), counts: world.checker.counts, digest: world.checker.digest() };
}

function work(world: World): void {
  const { random, members } = world;
  // To everyone who believes to lead: the one cut off from the rest too.
  if (!world.isHushed()) for (const member of members) if (member.running()?.core.status().role === "leader" && random.chance(0.5)) world.write(member);
  if (random.chance(0.3)) world.read(random.pick(members));
}

/** Faults are over: a write reaches every server of the configuration, reads are answered, and leadership stays where it is. */
async function recover(world: World): Promise<void> {
  const { network, members, clock } = world;
  // What is still being plotted comes to its end first.
  await world.pass(PLOT_TICKS);
  network.healLinks();
  network.weather = FAIR;
  const deadline = clock.now() + PROGRESS_TICKS * TICK;
  const remains = () => clock.now() < deadline;
  for (const member of members) member.pause(0);
  world.pace(TICK + 1, TICK - 1);
  await world.pass(60);
  for (const member of members) member.drive(({ core }) => core.setCanLead(true));

  const settled = () => {
    const status = world.leader()?.running()?.core.status();
    const leads = status?.configuration.servers.some(({ id, voter }) => id === status.leader && voter);
    return status !== undefined && leads && !status.configuration.outgoing && status.commitIndex >= status.configurationIndex && members.every((member) => member.running());
  };
  while (remains() && !settled()) {
    repair(world, world.leader());
    await world.pass(1);
  }
  let data: string | undefined;
  let tries = 0;
  while (remains() && !(data && world.checker.isCommitted(data))) {
    const leader = world.leader();
    if (leader && tries++ % 20 === 0) data = world.write(leader);
    await world.pass(1);
  }
  const inForce = () => members.filter((member) => world.leader()?.running()?.core.status().configuration.servers.some(({ id }) => id === member.id));
  const isEven = () => {
    const target = world.leader()?.running()?.core.status().commitIndex;
    return target !== undefined && inForce().every((member) => (member.running()?.core.status().appliedIndex ?? 0) >= target);
  };
  while (remains() && !isEven()) await world.pass(1);
  let answered = 0;
  const readers = inForce();
  for (const member of readers) world.read(member, () => void (answered += 1));
  while (remains() && answered < readers.length) await world.pass(1);
  if (!settled() || !data || !world.checker.isCommitted(data) || !isEven() || answered < readers.length || readers.length === 0) throw new Violation(`no progress within ${PROGRESS_TICKS} ticks of calm`);

  const term = () => world.leader()?.running()?.core.status().term;
  const before = term();
  await world.pass(STABLE_TICKS);
  if (term() !== before) throw new Violation("leadership moved though nothing was wrong");
}
