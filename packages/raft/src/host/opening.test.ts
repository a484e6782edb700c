import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { Entry, SnapshotMeta } from "../core/types.js";
import { openDurableLog } from "../log/durable-log.js";
import { DamagedLogError } from "../log/record.js";
import { createMemoryMachine } from "../testing/memory-machine.js";
import type { RaftOptions, StateMachine } from "./api.js";
import { openMemberLog } from "./opening.js";

const options: RaftOptions = { id: "a", directory: "", transport: { listen: "", advertise: "", tls: { ca: "", certificate: "", key: "" }, clusterId: "" } };
const QUIET = { log: () => undefined };
const entry = (index: number, term: number): Entry => ({ index, term, kind: "normal", data: Buffer.from(`${index}`) });
const meta = (index: number, term: number): SnapshotMeta => ({ index, term, configuration: { servers: [] }, configurationIndex: 0 });

function stateAt(index: number, term: number): StateMachine {
  return { ...createMemoryMachine(), appliedIndex: () => index, appliedTerm: () => term };
}

async function withLog(entries: readonly Entry[], expected: SnapshotMeta | undefined, check: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "raft-opening-"));
  try {
    const log = await openDurableLog(join(folder, "log"));
    if (expected) await log.expectSnapshot(expected);
    await log.write({ hardState: { term: 3, vote: undefined, commit: 0 }, entries });
    await log.close();
    await check(join(folder, "log"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a crash between an install and the log's knowing of it: the log begins behind the new state", async () => {
  await withLog([entry(1, 1), entry(2, 1)], meta(9, 2), async (folder) => {
    const log = await openMemberLog(folder, options, stateAt(9, 2), QUIET);
    assert.deepEqual([log.firstIndex(), log.lastIndex(), log.term(9)], [10, 9, 2]);
    await log.close();
  });
});

test("an install that was announced and failed costs no entries when the state comes to the same index by the log", async () => {
  await withLog([entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)], meta(3, 1), async (folder) => {
    const log = await openMemberLog(folder, options, stateAt(3, 1), QUIET);
    assert.equal(log.lastIndex(), 4);
    await log.close();
  });
});

test("a state that the log does not lead to is refused, and the folder is free again", async () => {
  await withLog([entry(1, 1), entry(2, 1)], undefined, async (folder) => {
    for (const [index, term] of [[3, 1], [2, 2]] as const) await assert.rejects(openMemberLog(folder, options, stateAt(index, term), QUIET), DamagedLogError);
    const log = await openMemberLog(folder, options, stateAt(2, 1), QUIET);
    await log.close();
  });
});

test("a log whose last entry is of a later term than the hard state is refused: a vote is lost", async () => {
  await withLog([entry(1, 1), entry(2, 4)], undefined, async (folder) => {
    await assert.rejects(openMemberLog(folder, options, stateAt(1, 1), QUIET), /hard state is of term 3, the last entry of term 4/);
  });
});
