import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeEntry } from "./entry.js";
import type { EntryRecord } from "./entry.js";
import type { ProposeOutcome } from "./replicated-log.js";
import { BackendLost } from "./state-backend.js";
import type { StateBackend } from "./state-backend.js";
import { openBackendState } from "./sole-state.js";
import type { SoleState } from "./sole-state.js";

/** Keeps what is written, and fails as often as it is told to, after writing or without. */
function backendOf(stored = new Map<string, Uint8Array>()) {
  const failing = { with: undefined as Error | undefined, writesFirst: false };
  const counts = { compacted: 0 };
  const backend: StateBackend = {
    async *load() {
      yield* [...stored];
    },
    async write(operations) {
      if (failing.with && !failing.writesFirst) throw failing.with;
      for (const operation of operations) {
        if (operation.type === "put") stored.set(operation.key, operation.value);
        else stored.delete(operation.key);
      }
      if (failing.with) throw failing.with;
    },
    isHeld: () => true,
    compaction: {
      isDue: () => counts.compacted === 0 && stored.size > 5,
      async run(records: AsyncIterable<EntryRecord>) {
        counts.compacted += 1;
        const all = new Map<string, Uint8Array>();
        for await (const [key, value] of records) all.set(key, value);
        assert.deepEqual([...all.keys()].sort(), [...stored.keys()].sort(), "all of the state as of the last write");
      },
    },
    close: async () => undefined,
  };
  return { backend, failing, counts, stored };
}

const put = ({ log }: SoleState, key: string, term = log.leadership().term): Promise<ProposeOutcome> =>
  log.propose(encodeEntry({ kind: "write", base: log.appliedIndex(), puts: [[key, Buffer.from(key)]], deletes: [] }), term);

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setImmediate(resolve));
}

function events() {
  const seen: string[] = [];
  const hooks = { onStalled: () => void seen.push("stalled"), onRecovered: () => void seen.push("recovered"), onLost: (error: Error) => void seen.push(`lost: ${error.message}`), retryMs: 1 };
  return { seen, hooks };
}

for (const writesFirst of [false, true]) {
  test(`while the backend fails ${writesFirst ? "after" : "before"} writing, fates are unknown, nothing is taken and nothing read as current; then it goes on in another term`, async () => {
    const { backend, failing, stored } = backendOf();
    const { seen, hooks } = events();
    const state = await openBackendState({ backend, leaderId: "n", ...hooks });
    assert.equal((await put(state, "a")).outcome, "applied");
    const { term } = state.log.leadership();
    const heard: boolean[] = [];
    state.log.onLeadership(({ isLeader }) => heard.push(isLeader));
    // Until what was applied is behind it: the next write is a group of its own.
    await new Promise((resolve) => setImmediate(resolve));
    Object.assign(failing, { with: new Error("away"), writesFirst });
    const [first, second] = [put(state, "b"), put(state, "c")];
    assert.deepEqual([(await first).outcome, (await second).outcome], ["unknown", "not-leader"]);
    assert.equal((await put(state, "d")).outcome, "not-leader");
    assert.equal((await state.log.readBarrier()).outcome, "no-leader");
    assert.equal(state.reader.get("b"), undefined);
    failing.with = undefined;
    await until(() => heard.length === 2);
    assert.deepEqual([seen, heard], [["stalled", "recovered"], [false, true]]);
    assert.equal(Buffer.from(state.reader.get("b")!.sealed).toString(), "b", "what was under way is there once it leads again");
    assert.equal(state.log.leadership().term, term + 1);
    assert.equal((await put(state, "e", term)).outcome, "not-leader", "of the former term");
    assert.equal((await put(state, "f")).outcome, "applied");
    await state.close();
    const again = await openBackendState({ backend: backendOf(stored).backend, leaderId: "n", ...hooks });
    assert.deepEqual(["a", "b", "c", "d", "e", "f"].map((key) => again.reader.get(key) !== undefined), [true, true, false, false, false, true]);
    assert.equal(again.log.appliedIndex(), state.log.appliedIndex());
    await again.close();
  });
}

test("a backend that belongs to another is never written again", async () => {
  const { backend, failing, stored } = backendOf();
  const { seen, hooks } = events();
  const state = await openBackendState({ backend, leaderId: "n", ...hooks });
  await put(state, "a");
  failing.with = new BackendLost("taken");
  assert.equal((await put(state, "b")).outcome, "unknown");
  failing.with = undefined;
  assert.equal((await put(state, "c")).outcome, "not-leader");
  assert.deepEqual(seen, ["lost: taken"]);
  assert.equal([...stored.keys()].some((key) => key.endsWith("/b") || key.endsWith("/c")), false);
  await state.close();
});

test("it can be closed while the backend fails", async () => {
  const { backend, failing } = backendOf();
  const { hooks } = events();
  const state = await openBackendState({ backend, leaderId: "n", ...hooks, retryMs: 60_000 });
  failing.with = new Error("away");
  assert.equal((await put(state, "a")).outcome, "unknown");
  await state.close();
});

test("a compaction that is due gets the state as of the last write", async () => {
  const { backend, counts } = backendOf();
  const { hooks } = events();
  const state = await openBackendState({ backend, leaderId: "n", ...hooks });
  for (const key of ["a", "b", "c", "d", "e", "f"]) await put(state, key);
  await state.close();
  assert.equal(counts.compacted, 1);
});
