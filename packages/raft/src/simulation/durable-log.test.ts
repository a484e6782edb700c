import assert from "node:assert/strict";
import test from "node:test";
import type { Entry, HardState, SnapshotMeta } from "../core/types.js";
import { readLog } from "../log/durable-log.js";
import type { CompactionPoint, DurableLog } from "../log/durable-log.js";
import { createSimulatedLevel } from "./level.js";
import type { LevelBreakage } from "./level.js";
import { createRandom } from "./random.js";
import type { Random } from "./random.js";

const SEEDS = 300;
const STEPS = 60;

/** What a member relies on finding after a crash. */
interface Content {
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
  readonly expected: SnapshotMeta | undefined;
  readonly entries: readonly Entry[];
}

function contentOf(log: DurableLog): Content {
  const entries = log.entries(log.firstIndex(), log.lastIndex() + 1, Infinity)!;
  return { hardState: log.hardState, compaction: log.compaction, expected: log.expected, entries: entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data) })) };
}

interface Work {
  readonly run: (log: DurableLog) => Promise<void>;
  readonly after: Content;
}

/** Something that the host does to its log; `n` makes it unlike any other. */
function pick(random: Random, before: Content, n: number): Work {
  const { compaction, entries } = before;
  const last = compaction.index + entries.length;
  const term = before.hardState.term + 1;
  const metaAt = (index: number): SnapshotMeta => ({ index, term, configuration: { servers: [{ id: `n${n}`, address: "h:1", voter: true }] }, configurationIndex: index });
  const choice = random.next();
  if (choice < 0.6) {
    const first = random.chance(0.7) ? last + 1 : random.int(compaction.index + 1, last + 1);
    const added = Array.from({ length: random.int(0, 5) }, (_, i): Entry => ({ index: first + i, term, kind: "normal", data: Buffer.alloc(random.int(0, 40), n) }));
    const hardState: HardState | undefined = random.chance(0.7) ? { term, vote: random.pick(["a", "b", undefined]), commit: n } : undefined;
    const kept = added.length > 0 ? entries.slice(0, first - compaction.index - 1) : entries;
    return { run: (log) => log.write({ hardState, entries: added }), after: { ...before, hardState: hardState ?? before.hardState, entries: [...kept, ...added] } };
  }
  if (choice < 0.8 && entries.length > 0) {
    const index = random.int(compaction.index + 1, last);
    const point: CompactionPoint = { index, term: entries[index - compaction.index - 1]!.term, configuration: { servers: [] }, configurationIndex: 0 };
    return { run: (log) => log.compact(point), after: { ...before, compaction: point, entries: entries.slice(index - compaction.index) } };
  }
  // The core takes no snapshot that reaches less far than what is committed.
  const isUseful = before.expected !== undefined && before.expected.index > last;
  const meta = isUseful ? before.expected! : metaAt(last + random.int(1, 20));
  if (!isUseful) return { run: (log) => log.expectSnapshot(meta), after: { ...before, expected: meta } };
  const { index, term: itsTerm, configuration, configurationIndex } = meta;
  return { run: (log) => log.reset(meta), after: { ...before, expected: undefined, compaction: { index, term: itsTerm, configuration, configurationIndex }, entries: [] } };
}

/** Works on a log, crashes it at any point, and looks at what is there afterwards. Undefined, or what was wrong. */
async function firstFault(seed: number, breakage: LevelBreakage = {}): Promise<string | undefined> {
  const random = createRandom(seed);
  const level = createSimulatedLevel(random, breakage);
  let log = await readLog(level.open());
  let now = contentOf(log);
  for (let n = 1; n <= STEPS; n++) {
    const work = pick(random, now, n);
    if (!random.chance(0.25)) {
      await work.run(log);
      now = work.after;
      continue;
    }
    if (random.chance(0.3)) level.breakDown();
    let isDone = false;
    const running = work.run(log).then(() => void (isDone = true), () => undefined);
    for (let turns = random.int(0, 12); turns > 0; turns--) await Promise.resolve();
    const possible = isDone ? [work.after] : [now, work.after];
    level.crash();
    void running;
    try {
      log = await readLog(level.open());
    } catch (error) {
      return `step ${n}: ${(error as Error).message}`;
    }
    const found = contentOf(log);
    const match = possible.find((content) => isEqual(content, found));
    if (!match) return `step ${n}: ${JSON.stringify(found)} is none of ${JSON.stringify(possible)}`;
    now = match;
  }
  return isEqual({ ...contentOf(log), hardState: now.hardState }, now) ? undefined : "the log in memory is another than what was written";
}

/** As text, keys in the order of this function. */
function shape({ hardState: { term, vote, commit }, compaction, expected, entries }: Content): string {
  const metas = [compaction, expected].map((meta) => meta && [meta.index, meta.term, meta.configuration, meta.configurationIndex]);
  return JSON.stringify([term, vote, commit, metas, entries.map((entry) => [entry.index, entry.term, entry.kind, Buffer.from(entry.data).toString("hex")])]);
}

const isEqual = (one: Content, other: Content) => shape(one) === shape(other);

test(`the shipped log, crashed at any point of what it does: in ${SEEDS} seeds it is what it was before or after, and nothing synced is gone`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) assert.equal(await firstFault(seed), undefined, `seed ${seed}`);
});

test("a database that tears batches, or syncs late, does not go unnoticed", async () => {
  for (const breakage of [{ tears: true }, { syncsLate: true }]) {
    let noticed = 0;
    for (let seed = 1; seed <= 30; seed++) if ((await firstFault(seed, breakage)) !== undefined) noticed += 1;
    assert.ok(noticed > 15, `${JSON.stringify(breakage)}: in ${noticed} of 30 seeds`);
  }
});
