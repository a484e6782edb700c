import assert from "node:assert/strict";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { basename, join } from "node:path";
import test from "node:test";
import { completeState } from "@coffer/raft/host";
import { encodeEntry, openStateDatabase, openStateReader, REAL_DISK, snapshotRecords } from "@coffer/state-machine";
import type { StateDatabase } from "@coffer/state-machine";
import { temporaryFolder } from "../server/testing/test-node.js";
import type { RaftThread } from "./raft-thread.js";
import { toStateMachine } from "./state-machine.js";
import { leading } from "./testing/member.js";

const VALUE_BYTES = 1024 * 1024;
/** LevelDB begins a new write-ahead file every 16 MiB; the first such moment is nearly always caught. */
const MOST_WRITES = 250;

const logsIn = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".log")).sort();
const isGone = (error: unknown) => (error as NodeJS.ErrnoException).code === "ENOENT";

/** The files as they are just now; false when the table of the older write-ahead file was finished meanwhile. */
function copyFiles(from: string, to: string): boolean {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const manifest = join(from, readFileSync(join(from, "CURRENT"), "utf8").trim());
  try {
    copyFileSync(manifest, join(to, basename(manifest)));
    for (const name of readdirSync(from)) if (!name.startsWith("MANIFEST") && name !== "LOCK") copyFileSync(join(from, name), join(to, name));
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
  return logsIn(to).length === 2 && readFileSync(manifest).equals(readFileSync(join(to, basename(manifest))));
}

/** Writes until there are two write-ahead files, and copies them; gives how many keys there are by then. */
async function writeIntoWindow(thread: RaftThread, copy: string): Promise<number> {
  for (let n = 1; n <= MOST_WRITES; n++) {
    const { outcome } = await thread.propose(encodeEntry({ kind: "write", base: 0, puts: [[`key/${n}`, Buffer.alloc(VALUE_BYTES, n)]], deletes: [] }), thread.leadership().term);
    assert.equal(outcome, "applied");
    if (logsIn(thread.stateDirectory).length === 2 && copyFiles(thread.stateDirectory, copy)) return n;
  }
  throw new Error(`never two write-ahead files at once in ${MOST_WRITES} writes`);
}

async function keysOf(state: StateDatabase): Promise<number> {
  const { chunks, close } = await state.openSnapshot();
  let keys = 0;
  for await (const [key] of snapshotRecords(chunks)) if (key.startsWith("key/")) keys += 1;
  await close();
  return keys;
}

test("a loss of power that takes writes of LevelDB's older file and leaves those of the newer: the node that starts has the whole state; after a mere crash nothing is applied again", async (t) => {
  const [directory, crashed] = [temporaryFolder(t), temporaryFolder(t)];
  await (await leading(t, directory)).stop();
  const thread = await leading(t, directory);
  const begun = thread.appliedIndex();
  const copied = join(crashed, "state", basename(thread.stateDirectory));
  const keys = await writeIntoWindow(thread, copied);
  const reached = thread.appliedIndex();
  await thread.stop();
  // The log is synced: it has at least what it had then.
  cpSync(join(directory, "log"), join(crashed, "log"), { recursive: true });
  copyFileSync(join(directory, "state", "CURRENT"), join(crashed, "state", "CURRENT"));
  const [cut, control] = [temporaryFolder(t), temporaryFolder(t)];
  cpSync(crashed, cut, { recursive: true });
  const older = join(cut, "state", basename(copied), logsIn(copied)[0]!);
  truncateSync(older, Math.floor(statSync(older).size / 2));
  cpSync(cut, control, { recursive: true });

  async function startIn(folder: string): Promise<{ readonly thread: RaftThread; readonly told: string[] }> {
    const told: string[] = [];
    return { told, thread: await leading(t, folder, { onLog: (_, message, fields) => void told.push(`${message} ${JSON.stringify(fields)}`) }) };
  }

  // The process alone ended: all is there, and nothing is done again.
  const whole = await startIn(crashed);
  assert.deepEqual(whole.told.filter((line) => line.includes("applied again")), []);
  await whole.thread.stop();
  const complete = await openStateDatabase(join(crashed, "state"), () => undefined);
  assert.equal(await keysOf(complete), keys);
  await complete.close();

  // What the cut makes of the state where nobody knows of the loss: the marker tells of no hole.
  const holed = await openStateDatabase(join(control, "state"), () => undefined);
  assert.equal(holed.appliedIndex(), reached);
  assert.ok((await keysOf(holed)) < keys - 3);
  await holed.close();

  // In another run of the machine it goes back to what was surely there. This one ends before anything is applied again.
  const otherRun = await openStateDatabase(join(cut, "state"), () => undefined, { ...REAL_DISK, bootId: async () => "another" });
  assert.ok(otherRun.appliedIndex() <= begun);
  assert.deepEqual(otherRun.reached(), { index: reached, term: otherRun.reached().term });
  await assert.rejects(otherRun.openSnapshot(), /not whole/);
  await otherRun.close();
  const lost = temporaryFolder(t);
  cpSync(cut, lost, { recursive: true });

  const { thread: back, told } = await startIn(cut);
  assert.match(told.find((line) => line.includes("applied again"))!, new RegExp(`"to":${reached}\\b`));
  assert.ok(back.appliedIndex() >= reached);
  const reader = await openStateReader(back.stateDirectory);
  for (let n = 1; n <= keys; n++) assert.equal(reader.get(`key/${n}`)?.sealed[0], n % 256, `key/${n}`);
  await reader.close();
  await back.stop();

  // As a migration reads it, without a member.
  const state = await openStateDatabase(join(lost, "state"), () => undefined);
  await completeState(join(lost, "log"), toStateMachine(state, () => undefined), { log: () => undefined });
  assert.deepEqual([state.appliedIndex(), await keysOf(state)], [reached, keys]);
  await state.close();
});
