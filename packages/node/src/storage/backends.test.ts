import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BackendLost, encodeEntry, openBackendState, restoreEntries } from "@coffer/state-machine";
import type { ProposeOutcome, SoleState, WriteSet } from "@coffer/state-machine";
import { createLogging } from "../logging/logger.js";
import { openSoleState } from "./open-sole-state.js";
import { PLACES } from "./testing/places.js";
import type { Place } from "./testing/places.js";

type Open = (name: string, onLost?: (error: Error) => void) => Promise<SoleState>;

const bytes = (text: string) => Buffer.from(text);

function propose({ log }: SoleState, part: Partial<WriteSet>): Promise<ProposeOutcome> {
  return log.propose(encodeEntry({ kind: "write", base: log.appliedIndex(), puts: [], deletes: [], ...part }), log.leadership().term);
}

const put = (state: SoleState, records: Readonly<Record<string, string>>) => propose(state, { puts: Object.entries(records).map(([key, value]) => [key, bytes(value)] as const) });

async function contents(state: SoleState): Promise<Record<string, string>> {
  const snapshot = state.reader.snapshot();
  const keys = await snapshot.keys("", "", 10_000);
  const all = Object.fromEntries(keys.map((key) => [key, Buffer.from(snapshot.get(key)!.sealed).toString()]));
  snapshot.close();
  return all;
}

/** What holds of every storage of a node alone. */
function commonCases(open: Open): void {
  test("what was written, replaced and deleted is there after a restart, in order, at the same index", async () => {
    const first = await open("restart");
    await put(first, { "b/2": "x", "a/1": "one", "b/1": "gone" });
    await Promise.all([propose(first, { puts: [["b/2", bytes("two")]], deletes: ["b/1", "not there"] }), put(first, { "c/é\u0000ñ": "" })]);
    const expected = await contents(first);
    assert.deepEqual(Object.entries(expected), [["a/1", "one"], ["b/2", "two"], ["c/é\u0000ñ", ""]]);
    const [index, term] = [first.log.appliedIndex(), first.log.leadership().term];
    await first.close();
    const second = await open("restart");
    assert.deepEqual(await contents(second), expected);
    assert.equal(second.log.appliedIndex(), index);
    assert.equal(second.log.leadership().term, term + 1);
    assert.equal((await put(second, { d: "4" })).outcome, "applied");
    await second.close();
  });

  test("many writes, beyond where a log begins anew, and none of them is lost", async () => {
    const first = await open("many");
    for (let i = 0; i < 40; i++) await propose(first, { puts: [[`k/${i}`, bytes(`${i}`)]], deletes: i > 5 ? [`k/${i - 5}`] : [] });
    const expected = await contents(first);
    assert.deepEqual(Object.keys(expected), ["k/0", "k/35", "k/36", "k/37", "k/38", "k/39"]);
    await first.close();
    const second = await open("many");
    assert.deepEqual(await contents(second), expected);
    await second.close();
  });

  test("a value of several megabytes and a key of several thousand letters come back", async () => {
    const first = await open("large");
    const key = `long/${"k".repeat(4000)}`;
    const value = Buffer.alloc(9 * 1024 * 1024, "v");
    assert.equal((await propose(first, { puts: [[key, value], ["large", value.subarray(1)]] })).outcome, "applied");
    await first.close();
    const second = await open("large");
    assert.ok(value.equals(second.reader.get(key)!.sealed));
    assert.equal(second.reader.get("large")!.sealed.length, value.length - 1);
    await second.close();
  });

  test("a restore replaces everything, a write that was evaluated before it is a conflict, and a restart agrees", async () => {
    const first = await open("restore");
    await put(first, { old: "1" });
    const base = first.log.appliedIndex();
    for await (const entry of restoreEntries("r", [["new", bytes("2")]])) assert.equal((await first.log.propose(entry, first.log.leadership().term)).outcome, "applied");
    assert.equal((await propose(first, { base, puts: [["late", bytes("3")]] })).outcome, "conflict");
    assert.deepEqual(await contents(first), { new: "2" });
    await first.close();
    const second = await open("restore");
    assert.deepEqual(await contents(second), { new: "2" });
    await second.close();
  });

  test("a second owner is refused, and the first goes on", async () => {
    const first = await open("owners");
    await put(first, { a: "1" });
    await assert.rejects(open("owners"), /in use by another process|locked by another process/);
    assert.equal((await put(first, { b: "2" })).outcome, "applied");
    await first.close();
    const second = await open("owners");
    assert.deepEqual(await contents(second), { a: "1", b: "2" });
    await second.close();
  });
}

describe("file", () => {
  const folder = mkdtempSync(join(tmpdir(), "coffer-file-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const logger = createLogging({ level: "error", format: "standard", file: join(folder, "log") }).logger("storage");
  commonCases((name) => openSoleState({ type: "file", path: join(folder, name) }, "n", logger, (message) => assert.fail(message)));
});

for (const kind of PLACES) {
  describe(kind.name, { skip: kind.missing }, () => {
    let place: Place;
    before(async () => void (place = await kind.start()));
    after(() => place.stop());
    const events: string[] = [];
    const open: Open = async (name, onLost = () => undefined) =>
      openBackendState({ backend: await place.open(name, onLost), leaderId: "n", onStalled: () => events.push("stalled"), onRecovered: () => events.push("recovered"), onLost, retryMs: 50 });
    commonCases(open);

    test("an owner that was taken over writes nothing any more, and is told", async () => {
      let lost: Error | undefined;
      const former = await open("takeover", (error) => (lost = error));
      await put(former, { a: "1" });
      // Both at once: a session of PostgreSQL that is ended comes back by itself.
      const [successor] = await Promise.all([opened(() => place.endOwner("takeover").then(() => open("takeover")))]);
      await put(successor, { a: "2" });
      const late = await put(former, { a: "late" }).catch((error: unknown) => error);
      assert.ok(late instanceof BackendLost || ["unknown", "not-leader"].includes((late as ProposeOutcome).outcome), String(late));
      await until(() => lost !== undefined);
      assert.ok(lost instanceof BackendLost);
      assert.equal((await former.log.readBarrier()).outcome, "no-leader");
      await put(successor, { b: "3" });
      await former.close();
      await successor.close();
      const third = await open("takeover");
      assert.deepEqual(await contents(third), { a: "2", b: "3" });
      await third.close();
    });
  });
}

/** Again until it succeeds. */
async function opened(open: () => Promise<SoleState>): Promise<SoleState> {
  for (let left = 20; ; left--) {
    try {
      return await open();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

async function until(check: () => boolean): Promise<void> {
  for (let left = 200; !check(); left--) {
    assert.ok(left > 0, "not in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
