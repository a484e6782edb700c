import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { DurableLog } from "../log/durable-log.js";
import { createMembers, until } from "../testing/cluster.js";
import { createMemoryMachine } from "../testing/memory-machine.js";
import type { StateMachine } from "./api.js";
import { openMemberLog } from "./opening.js";

interface Cut {
  readonly at: string;
  readonly log: string;
  /** The state as a crash would leave it: replaced as one, or not. */
  readonly state: { readonly index: number; readonly term: number };
}

test("cut anywhere in an install, a server starts with the old state or the new one, and a log that fits it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "raft-cuts-"));
  const cluster = await createMembers(4, { snapshotThreshold: 20, trailingLogs: 5 });
  try {
    const late = cluster.members[3]!;
    await cluster.form(3);
    const leader = await cluster.leader();
    const write = async (count: number) => {
      for (let i = 0; i < count; i++) assert.equal((await leader.host!.propose(Buffer.alloc(200, `${i}`))).outcome, "applied");
    };
    // It has a log and a state of its own before it falls behind.
    await cluster.start(late);
    assert.equal((await leader.host!.addServer({ id: late.id, address: late.address, voter: false })).ok, true);
    await write(10);
    await until("it has the first entries", () => late.machine.applied.length === 10);
    await cluster.stop(late);
    const old = late.machine.appliedIndex();
    await write(120);

    const cuts: Cut[] = [];
    const cut = (at: string) => {
      const log = join(folder, `${cuts.length}`);
      cpSync(join(cluster.directoryOf(late), "log"), log, { recursive: true });
      cuts.push({ at, log, state: { index: late.machine.appliedIndex(), term: late.machine.appliedTerm() } });
    };
    const cutting = (name: string, work: (...given: never[]) => Promise<unknown>) => async (...given: never[]) => {
      cut(`before ${name}`);
      await work(...given);
      cut(`after ${name}`);
    };
    const wrapLog = (log: DurableLog) => Object.create(log, { expectSnapshot: { value: cutting("the announcement", log.expectSnapshot) }, reset: { value: cutting("the log's new begin", log.reset) } }) as DurableLog;
    const machine: StateMachine = {
      ...late.machine,
      async installSnapshot(meta, chunks) {
        async function* watched() {
          let count = 0;
          for await (const chunk of chunks) {
            cut(`at chunk ${count++}`);
            yield chunk;
          }
        }
        await late.machine.installSnapshot(meta, watched());
        cut("after the state was replaced");
      },
    };
    await cluster.start(late, { machine, wrapLog });
    await until("it has everything", () => late.machine.applied.length === 130);
    await until("the log follows", () => cuts.some(({ at }) => at === "after the log's new begin"));
    assert.ok(cuts.length > 15, `${cuts.length} cuts`);
    const replaced = cuts.findIndex(({ at }) => at === "after the state was replaced");
    for (const [i, { at, log: directory, state }] of cuts.entries()) {
      assert.equal(state.index > old, i >= replaced, at);
      const restarted = { ...createMemoryMachine(), appliedIndex: () => state.index, appliedTerm: () => state.term };
      const log = await openMemberLog(directory, { id: late.id, directory: folder, transport: undefined as never }, restarted, { log: () => undefined });
      assert.equal(log.term(state.index), state.term, at);
      assert.equal(log.lastIndex() >= state.index && log.compaction.index <= state.index, true, at);
      if (i >= replaced) assert.equal(log.compaction.index, state.index, at);
      else assert.ok(log.firstIndex() <= old, at);
      await log.close();
    }
  } finally {
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
