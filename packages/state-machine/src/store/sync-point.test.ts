import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import fc from "fast-check";
import type { CommittedEntry } from "./apply.js";
import { encodeEntry } from "./entry.js";
import { restoreEntries, snapshotRecords } from "./restore.js";
import { openStateDatabase } from "./state-database.js";
import type { StateDatabase } from "./state-database.js";
import { openLevel, REAL_DISK } from "./state-disk.js";
import { SYNC_KEY } from "./state-layout.js";
import { decodeSyncPoint, encodeSyncPoint } from "./sync-point.js";
import { StateFormatError } from "./wire.js";

const TERM = 3;
const text = (value: string) => Buffer.from(value);
const put = (key: string, value: string) => encodeEntry({ kind: "write", base: 0, puts: [[key, text(value)]], deletes: [] });
const drop = (key: string) => encodeEntry({ kind: "write", base: 0, puts: [], deletes: [key] });
const numbered = (entries: readonly Uint8Array[]): CommittedEntry[] => entries.map((data, i) => ({ index: i + 1, term: TERM, kind: "normal", data }));
const reachedBy = (entries: readonly Uint8Array[]) => ({ index: entries.length, term: TERM });

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "coffer-sync-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

const openIn = (directory: string, boot: string) => openStateDatabase(directory, () => undefined, { ...REAL_DISK, bootId: async () => boot });

async function contents(state: StateDatabase): Promise<Record<string, string>> {
  const snapshot = await state.openSnapshot();
  const all: Record<string, string> = {};
  for await (const [key, value] of snapshotRecords(snapshot.chunks)) all[key] = Buffer.from(value).toString();
  await snapshot.close();
  return all;
}

async function restoring(id: string, records: readonly [string, Uint8Array][]): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for await (const entry of restoreEntries(id, records)) entries.push(entry);
  return entries;
}

test("in another run of the machine the state goes back to its last flush, and is read by nobody before it is whole again", async (t) => {
  const path = await folder(t);
  const entries = [put("a", "1"), put("b", "1"), drop("a"), put("c", "1"), put("b", "2"), drop("c")];
  const log = numbered(entries);
  let state = await openIn(path, "one");
  await state.apply(log.slice(0, 2));
  assert.equal(await state.flush(), 2);
  for (const entry of log.slice(2)) await state.apply([entry]);
  await state.close();

  state = await openIn(path, "one");
  assert.deepEqual([state.appliedIndex(), state.reached(), await contents(state)], [6, reachedBy(entries), { b: "2" }], "a process that ended took nothing along");
  await state.close();

  // Opened, all of it was synced; so what comes after is what may be lost.
  const more = [...entries, put("d", "1"), put("e", "1"), drop("d")];
  state = await openIn(path, "one");
  await state.apply(numbered(more).slice(6));
  await state.close();
  state = await openIn(path, "two");
  assert.deepEqual([state.appliedIndex(), state.appliedTerm(), state.reached()], [6, TERM, reachedBy(more)]);
  await assert.rejects(state.openSnapshot(), /not whole before entry 9/);
  await state.apply(numbered(more).slice(6, 7));
  await state.close();

  // Neither a crash nor the next loss of power makes it forget how far it had come.
  state = await openIn(path, "two");
  assert.deepEqual([state.appliedIndex(), state.reached()], [7, reachedBy(more)]);
  await assert.rejects(state.openSnapshot(), /not whole/);
  await state.close();
  state = await openIn(path, "three");
  assert.deepEqual([state.appliedIndex(), state.reached()], [7, reachedBy(more)]);
  await state.apply(numbered(more).slice(7));
  assert.deepEqual([state.reached(), await contents(state)], [reachedBy(more), { b: "2", e: "1" }]);
  await state.close();
});

test("where the run of the machine cannot be told, each may be another", async (t) => {
  const path = await folder(t);
  let state = await openIn(path, "");
  await state.apply(numbered([put("a", "1")]));
  await state.close();
  state = await openIn(path, "");
  assert.deepEqual([state.appliedIndex(), state.reached()], [0, { index: 1, term: TERM }]);
  await state.close();
});

test("a state of which nothing was noted yet is taken as it is, and noted", async (t) => {
  const path = await folder(t);
  let state = await openIn(path, "one");
  await state.apply(numbered([put("a", "1")]));
  await state.close();
  const level = await openLevel(join(path, "state-1"));
  await level.put(SYNC_KEY, new Uint8Array(0));
  await level.close();
  for (const boot of ["two", "three"]) {
    state = await openIn(path, boot);
    assert.deepEqual([state.appliedIndex(), await contents(state)], [1, { a: "1" }]);
    await state.close();
  }
});

test("a restore under way goes back with the state, whether it was ended or begun anew since", async (t) => {
  const first = await restoring("r1", [["x", text("1")]]);
  const second = await restoring("r2", [["y", text("2")]]);
  for (const since of [[...first.slice(1), put("z", "3")], [...second, put("z", "3")], [...first.slice(1, 2), ...second.slice(0, 2)]]) {
    const path = await folder(t);
    const [before, after] = await Promise.all([openIn(path, "one"), openIn(await folder(t), "one")]);
    const entries = [put("old", "1"), first[0]!, ...since];
    await before.apply(numbered(entries).slice(0, 2));
    await before.flush();
    for (const entry of numbered(entries).slice(2)) await before.apply([entry]);
    await before.close();
    // As if the restore's own sync had not come that far.
    const level = await openLevel(join(path, "state-1"));
    const point = decodeSyncPoint(level.getSync(SYNC_KEY)!);
    const noted = encodeSyncPoint({ ...point, meta: { index: 2, term: TERM, epoch: 1, nextEpoch: 3, flippedAt: 0 }, staged: await stagedAfter(entries.slice(0, 2)) });
    await level.put(SYNC_KEY, noted);
    await level.close();

    const again = await openIn(path, "two");
    assert.deepEqual([again.appliedIndex(), again.reached()], [2, reachedBy(entries)]);
    const outcomes = await again.apply(numbered(entries).slice(2));
    await after.apply(numbered(entries).slice(0, 2));
    assert.deepEqual(outcomes, await after.apply(numbered(entries).slice(2)));
    assert.deepEqual(await contents(again), await contents(after));
    await Promise.all([again.close(), after.close()]);
  }

  /** The staged restore as a state has it that these entries made. */
  async function stagedAfter(entries: readonly Uint8Array[]): Promise<Uint8Array> {
    const path = await folder(t);
    const state = await openIn(path, "one");
    await state.apply(numbered(entries));
    await state.flush();
    await state.close();
    const level = await openLevel(join(path, "state-1"));
    const { staged } = decodeSyncPoint(level.getSync(SYNC_KEY)!);
    await level.close();
    assert.ok(staged.length > 0);
    return staged;
  }
});

test("a state that was restored or installed is durable at once", async (t) => {
  const path = await folder(t);
  const entries = [put("old", "1"), ...(await restoring("r1", [["x", text("1")]]))];
  const source = await openIn(path, "one");
  await source.apply(numbered(entries));
  const snapshot = await source.openSnapshot();
  const elsewhere = await folder(t);
  const target = await openIn(elsewhere, "one");
  await target.installSnapshot(snapshot, snapshot.chunks);
  await snapshot.close();
  await Promise.all([source.close(), target.close()]);
  for (const directory of [path, elsewhere]) {
    const state = await openIn(directory, "two");
    assert.deepEqual([state.appliedIndex(), state.reached(), await contents(state)], [4, reachedBy(entries), { x: "1" }]);
    await state.close();
  }
});

test("what a sync noted is read back, and garbage is a StateFormatError", () => {
  const point = { boot: "b", meta: { index: 7, term: 2, epoch: 1, nextEpoch: 2, flippedAt: 0 }, staged: Uint8Array.of(1, 2), reached: { index: 9, term: 3 } };
  const read = decodeSyncPoint(encodeSyncPoint(point));
  assert.deepEqual({ ...read, staged: Uint8Array.from(read.staged) }, point);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => assert.throws(() => decodeSyncPoint(bytes), StateFormatError)), { numRuns: 1000 });
});
