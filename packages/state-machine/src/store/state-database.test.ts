import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import fc from "fast-check";
import type { CommittedEntry } from "./apply.js";
import { encodeEntry } from "./entry.js";
import type { WriteSet } from "./entry.js";
import { restoreEntries, snapshotRecords } from "./restore.js";
import { openStateDatabase } from "./state-database.js";
import { openLevel } from "./state-disk.js";
import type { StateDatabase } from "./state-database.js";
import { openStateReader } from "./state-reader.js";
import { readSnapshot } from "./snapshot-stream.js";
import { StateFormatError } from "./wire.js";

const open = (directory: string) => openStateDatabase(directory, () => undefined);
const text = (value: string) => Buffer.from(value);
const write = (part: Partial<WriteSet>): Uint8Array => encodeEntry({ kind: "write", base: 0, puts: [], deletes: [], ...part });
const put = (key: string, value: string) => write({ puts: [[key, text(value)]] });

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "coffer-state-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

function following(database: StateDatabase, entries: readonly Uint8Array[]): CommittedEntry[] {
  return entries.map((data, i) => ({ index: database.appliedIndex() + 1 + i, term: 3, kind: "normal", data }));
}

async function contents(database: StateDatabase): Promise<Record<string, string>> {
  const snapshot = await database.openSnapshot();
  const all: Record<string, string> = {};
  for await (const [key, value] of snapshotRecords(snapshot.chunks)) all[key] = Buffer.from(value).toString();
  await snapshot.close();
  return all;
}

async function take(database: StateDatabase): Promise<{ index: number; term: number; chunks: Uint8Array[] }> {
  const { index, term, chunks, close } = await database.openSnapshot();
  const taken: Uint8Array[] = [];
  for await (const chunk of chunks) taken.push(chunk);
  await close();
  return { index, term, chunks: taken };
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test("entries of one group take effect in their order", async (t) => {
  const database = await open(await folder(t));
  const group = following(database, [put("a", "1"), put("a", "2"), put("b", "new"), write({ deletes: ["a"] }), put("c", "3")]);
  const outcomes = await database.apply(group);
  assert.deepEqual(outcomes.map(({ result }) => result), ["applied", "applied", "applied", "applied", "applied"]);
  assert.deepEqual(outcomes.map(({ keys }) => keys), [["a"], ["a"], ["b"], ["a"], ["c"]]);
  assert.deepEqual(await contents(database), { b: "new", c: "3" });
  await database.close();
});

test("the applied index moves with config and noop entries, and survives a restart with the effects", async (t) => {
  const path = await folder(t);
  let database = await open(path);
  await database.apply([{ index: 1, term: 2, kind: "noop", data: new Uint8Array(0) }, { index: 2, term: 2, kind: "config", data: text("not ours") }]);
  await database.apply(following(database, [put("a", "1")]));
  assert.equal(await database.flush(), 3);
  await database.close();
  database = await open(path);
  assert.deepEqual([database.appliedIndex(), database.appliedTerm(), await contents(database)], [3, 3, { a: "1" }]);
  await database.close();
});

test("a state of which LevelDB lost something is refused, with what to do", async (t) => {
  const path = await folder(t);
  const asked: string[] = [];
  const lost = (directory: string) => {
    asked.push(directory);
    return "checksum mismatch";
  };
  for (let tries = 0; tries < 2; tries++) await assert.rejects(openStateDatabase(path, lost), /is damaged .*checksum mismatch.* let it join again/);
  const database = await open(path);
  assert.deepEqual(asked, [database.location(), database.location()]);
  await database.close();
});

test("an unknown entry or a gap stops it with nothing of the group written", async (t) => {
  const database = await open(await folder(t));
  await assert.rejects(database.apply(following(database, [put("a", "1"), Uint8Array.of(0x2a, 0)])), StateFormatError);
  await assert.rejects(database.apply([{ index: 7, term: 1, kind: "normal", data: put("a", "1") }]), /does not follow/);
  assert.deepEqual([database.appliedIndex(), await contents(database)], [0, {}]);
  await database.close();
});

test("a snapshot is a fixed point, in chunks of at most 1 MiB, and gives an equal state elsewhere", async (t) => {
  const source = await open(await folder(t));
  const large = "x".repeat(2_500_000);
  await source.apply(following(source, [put("large", large), put("z", "1"), put("a/b", "2")]));
  const snapshot = await source.openSnapshot();
  await source.apply(following(source, [put("z", "later")]));
  const chunks: Uint8Array[] = [];
  for await (const chunk of snapshot.chunks) chunks.push(chunk);
  await snapshot.close();
  assert.ok(chunks.length > 2 && chunks.every((chunk) => chunk.length <= 1024 * 1024));

  const path = await folder(t);
  const target = await open(path);
  await target.apply(following(target, [put("own", "goes")]));
  const reader = await openStateReader(target.location());
  const before = reader.snapshot();
  const { location } = await target.installSnapshot({ index: snapshot.index, term: snapshot.term }, stream(chunks));
  await reader.reopen(location);
  assert.equal(before.get("own")?.sealed.toString(), "goes");
  before.close();
  assert.deepEqual([reader.appliedIndex(), reader.get("own"), reader.get("z")?.version], [3, undefined, 2]);
  await target.apply(following(target, [put("z", "next")]));
  assert.equal(reader.get("z")?.sealed.toString(), "next");
  assert.deepEqual(await contents(target), { "a/b": "2", large, z: "next" });
  await reader.released();
  await target.dropRetired();
  assert.deepEqual((await readdir(path)).sort(), ["CURRENT", "state-2"]);
  await reader.close();
  await Promise.all([source.close(), target.close()]);
});

test("a damaged, cut or misplaced snapshot changes nothing", async (t) => {
  const source = await open(await folder(t));
  await source.apply(following(source, [put("a", "1"), put("b", "2")]));
  const { index, term, chunks } = await take(source);
  const whole = Buffer.concat(chunks);
  const path = await folder(t);
  const target = await open(path);
  await target.apply(following(target, [put("own", "stays")]));
  const tries: [number, Uint8Array][] = [[index, whole.subarray(0, whole.length - 1)], [index, whole.subarray(0, 40)], [index, new Uint8Array(0)], [index + 1, whole], [index, Buffer.concat([whole, whole])]];
  for (const at of [10, 60, whole.length - 5]) {
    const flipped = Buffer.from(whole);
    flipped[at] = flipped[at]! ^ 1;
    tries.push([index, flipped]);
  }
  for (const [as, bytes] of tries) await assert.rejects(target.installSnapshot({ index: as, term }, stream([bytes])), StateFormatError);
  assert.deepEqual(await contents(target), { own: "stays" });
  assert.deepEqual((await readdir(path)).sort(), ["CURRENT", "state-1"]);
  await Promise.all([source.close(), target.close()]);
});

test("a crash before the switch leaves the old state, one after it the new; leftovers go at start", async (t) => {
  const path = await folder(t);
  let database = await open(path);
  await database.apply(following(database, [put("a", "1")]));
  await database.close();
  // Before: the next folder is half built, and CURRENT's replacement is written but not renamed.
  await cp(join(path, "state-1"), join(path, "state-2"), { recursive: true });
  await writeFile(join(path, "CURRENT.tmp"), "state-2\n");
  database = await open(path);
  assert.deepEqual(await contents(database), { a: "1" });
  assert.deepEqual((await readdir(path)).sort(), ["CURRENT", "state-1"]);
  const { index, term, chunks } = await take(database);
  await database.installSnapshot({ index, term }, stream(chunks));
  await database.close();
  // After: the old folder is still there.
  assert.deepEqual((await readdir(path)).sort(), ["CURRENT", "state-1", "state-2"]);
  database = await open(path);
  assert.deepEqual(await contents(database), { a: "1" });
  assert.deepEqual((await readdir(path)).sort(), ["CURRENT", "state-2"]);
  await database.close();
});

test("a state folder without its marker is refused", async (t) => {
  const path = await folder(t);
  await (await open(path)).close();
  await writeFile(join(path, "CURRENT"), "state-9\n");
  await assert.rejects(open(path), StateFormatError);
  await writeFile(join(path, "CURRENT"), "../elsewhere\n");
  await assert.rejects(open(path), StateFormatError);
});

test("a first start that was interrupted begins again", async (t) => {
  const path = await folder(t);
  await (await open(path)).close();
  await rm(join(path, "CURRENT"));
  const database = await open(path);
  assert.equal(database.appliedIndex(), 0);
  await database.close();
});

test("a restore switches two replicas at the same entry, also one that got a snapshot in the middle of it", async (t) => {
  const first = await open(await folder(t));
  await first.apply(following(first, [put("old", "1"), put("both", "1")]));
  const records: [string, Uint8Array][] = Array.from({ length: 30 }, (_, i) => [`k/${i}`, Buffer.alloc(60_000, i)]);
  const entries: Uint8Array[] = [];
  for await (const entry of restoreEntries("r1", [...records, ["both", text("restored")]])) entries.push(entry);
  assert.ok(entries.length > 4);
  const middle = entries.length - 2;
  await first.apply(following(first, entries.slice(0, middle)));
  const { index, term, chunks } = await take(first);
  const second = await open(await folder(t));
  await second.installSnapshot({ index, term }, stream(chunks));

  const rest = [put("during", "lost"), ...entries.slice(middle), write({ base: first.appliedIndex(), puts: [["stale", text("x")]] }), write({ base: first.appliedIndex() + 20, puts: [["after", text("2")]] })];
  const outcomes = await Promise.all([first.apply(following(first, rest)), second.apply(following(second, rest))]);
  assert.deepEqual(outcomes[0], outcomes[1]);
  assert.deepEqual(outcomes[0]!.map(({ result, reset }) => [result, reset]), [["applied", false], ["applied", false], ["applied", true], ["conflict", false], ["applied", false]]);
  assert.deepEqual(Buffer.concat((await take(first)).chunks), Buffer.concat((await take(second)).chunks));
  const state = await contents(first);
  assert.deepEqual([Object.keys(state).length, state["both"], state["after"], state["old"], state["during"]], [32, "restored", "2", undefined, undefined]);
  // What was replaced is cleared in the background.
  const disk = await openLevel(first.location());
  const epochsOnDisk = async () => new Set((await disk.keys({ gte: "d", lt: "e" }).all()).map((key) => key.split("/")[0]));
  while ((await epochsOnDisk()).size > 1) await new Promise(setImmediate);
  await disk.close();
  await Promise.all([first.close(), second.close()]);
});

test("a state that is closed leaves nothing for the next start to read again", async (t) => {
  const path = await folder(t);
  const database = await open(path);
  await database.apply(following(database, Array.from({ length: 100 }, (_, i) => put(`key-${i}`, "value"))));
  const location = database.location();
  await database.close();
  const logs = (await readdir(location)).filter((name) => name.endsWith(".log"));
  assert.deepEqual(await Promise.all(logs.map(async (name) => (await stat(join(location, name))).size)), [0]);
  const again = await open(path);
  assert.equal(Object.keys(await contents(again)).length, 100);
  await again.close();
});

test("a restore out of order or altered is not switched to, and the next one replaces it", async (t) => {
  const path = await folder(t);
  let database = await open(path);
  await database.apply(following(database, [put("a", "1")]));
  const entries: Uint8Array[] = [];
  for await (const entry of restoreEntries("r1", [["x", text("1")]])) entries.push(entry);
  const [begin, chunk, commit] = entries as [Uint8Array, Uint8Array, Uint8Array];
  const altered = encodeEntry({ kind: "restore-chunk", id: "r1", seq: 0, records: [["x", text("2")]] });
  const results = async (group: Uint8Array[]) => (await database.apply(following(database, group))).map(({ result }) => result);
  assert.deepEqual(await results([chunk, commit]), ["conflict", "conflict"]);
  assert.deepEqual(await results([begin, commit, chunk, chunk]), ["applied", "conflict", "applied", "conflict"]);
  assert.deepEqual(await results([begin, altered, commit]), ["applied", "applied", "conflict"]);
  assert.deepEqual(await contents(database), { a: "1" });
  // Nor does a restart forget where it was.
  assert.deepEqual(await results([begin, chunk]), ["applied", "applied"]);
  await database.close();
  database = await open(path);
  assert.deepEqual(await results([commit, commit]), ["applied", "conflict"]);
  assert.deepEqual(await contents(database), { x: "1" });
  await database.close();
});

test("garbage as a snapshot is a StateFormatError and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), async (chunks) => {
      const read = async () => {
        for await (const _record of readSnapshot(stream(chunks), () => undefined));
      };
      await assert.rejects(read, StateFormatError);
    }),
    { numRuns: 1000 },
  );
});
