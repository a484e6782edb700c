import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { Level } from "level";
import type { Entry, LogIndex } from "../core/types.js";
import { openDurableLog } from "./durable-log.js";
import type { DurableLog } from "./durable-log.js";
import { DamagedLogError, encodeRecord, entryKey, UnknownEntryError } from "./record.js";

const entry = (index: number, term: number, bytes = 1): Entry => ({ index, term, kind: "normal", data: Buffer.alloc(bytes, index) });
const range = (from: number, to: number, term: number, bytes?: number) => Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term, bytes));
const put = (log: DurableLog, entries: readonly Entry[]) => log.write({ hardState: undefined, entries });
const terms = (log: DurableLog, to: LogIndex) => Array.from({ length: to - log.firstIndex() + 1 }, (_, i) => log.term(log.firstIndex() + i));
const point = (index: number, term: number) => ({ index, term, configuration: { servers: [] }, configurationIndex: 0 });

async function withFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "raft-log-"));
  try {
    await check(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs `check` on the log as it is, and again as it is found after a restart. */
async function nowAndReopened(folder: string, log: DurableLog, check: (log: DurableLog) => void): Promise<DurableLog> {
  check(log);
  await log.close();
  const reopened = await openDurableLog(folder);
  check(reopened);
  return reopened;
}

test("an overwritten entry takes those behind it along, also after a restart", async () => {
  await withFolder(async (folder) => {
    let log = await openDurableLog(folder);
    await put(log, range(1, 6, 1));
    await put(log, [entry(3, 2)]);
    log = await nowAndReopened(folder, log, (it) => {
      assert.equal(it.lastIndex(), 3);
      assert.deepEqual(terms(it, 3), [1, 1, 2]);
      assert.equal(it.term(4), undefined);
    });
    await log.close();
  });
});

test("entries beyond the cache are cut and read like those in it", async () => {
  await withFolder(async (folder) => {
    let log = await openDurableLog(folder);
    for (let from = 1; from <= 40; from += 10) await put(log, range(from, from + 9, 1, 1024 * 1024));
    await put(log, range(5, 7, 2));
    log = await nowAndReopened(folder, log, (it) => {
      assert.deepEqual(terms(it, it.lastIndex()), [1, 1, 1, 1, 2, 2, 2]);
      assert.deepEqual(it.entries(4, 8, Infinity)?.map(({ index, data }) => [index, data.length]), [[4, 1024 * 1024], [5, 1], [6, 1], [7, 1]]);
    });
    await log.close();
  });
});

test("a compaction that overlaps writes keeps what is behind it", async () => {
  await withFolder(async (folder) => {
    let log = await openDurableLog(folder);
    await put(log, range(1, 20, 1));
    await Promise.all([log.compact(point(10, 1)), put(log, range(21, 30, 2))]);
    log = await nowAndReopened(folder, log, (it) => {
      assert.deepEqual([it.firstIndex(), it.lastIndex(), it.term(10), it.term(9)], [11, 30, 1, undefined]);
      assert.equal(it.entries(10, 12, Infinity), undefined);
      assert.equal(it.entries(11, 31, Infinity)?.length, 20);
    });
    await log.close();
  });
});

test("the entries that hold a configuration are known, also after a cut, a compaction and a restart", async () => {
  await withFolder(async (folder) => {
    let log = await openDurableLog(folder);
    const configAt = (index: number): Entry => ({ index, term: 1, kind: "config", data: Buffer.from(`${index}`) });
    const known = (it: DurableLog) => it.configurations().map(({ index, data }) => [index, Buffer.from(data).toString()]);
    await put(log, [configAt(1), entry(2, 1), configAt(3), entry(4, 1), configAt(5), configAt(6)]);
    log = await nowAndReopened(folder, log, (it) => assert.deepEqual(known(it), [[1, "1"], [3, "3"], [5, "5"], [6, "6"]]));
    await put(log, [entry(6, 2)]);
    await log.compact(point(1, 1));
    log = await nowAndReopened(folder, log, (it) => assert.deepEqual(known(it), [[3, "3"], [5, "5"]]));
    await log.reset({ index: 9, term: 2, configuration: { servers: [] }, configurationIndex: 9 });
    log = await nowAndReopened(folder, log, (it) => assert.deepEqual(known(it), []));
    await log.close();
  });
});

test("a log that is closed leaves nothing for the next start to read again", async () => {
  await withFolder(async (folder) => {
    const log = await openDurableLog(folder);
    await put(log, range(1, 100, 1, 10_000));
    await log.close();
    const left = readdirSync(folder).filter((name) => name.endsWith(".log")).map((name) => readFileSync(join(folder, name)).length);
    assert.deepEqual(left, [0]);
    const reopened = await openDurableLog(folder);
    assert.deepEqual(reopened.entries(1, 101, Infinity), range(1, 100, 1, 10_000).map((one) => ({ ...one, data: Buffer.from(one.data) })));
    await reopened.close();
  });
});

test("entries that leave a gap, or were compacted, are refused", async () => {
  await withFolder(async (folder) => {
    const log = await openDurableLog(folder);
    await put(log, range(1, 5, 1));
    await log.compact(point(3, 1));
    await assert.rejects(put(log, [entry(7, 1)]), DamagedLogError);
    await assert.rejects(put(log, [entry(3, 2)]), DamagedLogError);
    assert.equal(log.lastIndex(), 5);
    await log.close();
  });
});

test("a damaged or missing entry is found at start", async () => {
  for (const operation of [{ type: "del" }, { type: "put", value: Buffer.from("not what was written") }] as const) {
    await withFolder(async (folder) => {
      const log = await openDurableLog(folder);
      await put(log, range(1, 5, 1));
      await log.close();
      const db = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: "view", valueEncoding: "view" });
      await db.batch([{ ...operation, key: entryKey(3) }]);
      await db.close();
      // Twice: the first try leaves the folder free.
      for (let tries = 0; tries < 2; tries++) await assert.rejects(openDurableLog(folder), DamagedLogError);
    });
  }
});

/** The folder of a log whose newest batches, a vote last, still lie in LevelDB's write-ahead file; and that file. */
async function unfinished(folder: string): Promise<{ readonly copy: string; readonly file: string }> {
  const log = await openDurableLog(join(folder, "log"));
  await log.write({ hardState: { term: 2, vote: "x", commit: 0 }, entries: [entry(1, 2, 2000)] });
  for (let index = 2; index <= 40; index++) await put(log, [entry(index, 2, 2000)]);
  await log.write({ hardState: { term: 3, vote: "y", commit: 0 }, entries: [] });
  const copy = join(folder, "copy");
  cpSync(join(folder, "log"), copy, { recursive: true });
  await log.close();
  return { copy, file: join(copy, readdirSync(copy).find((name) => name.endsWith(".log"))!) };
}

function edit(file: string, change: (bytes: Buffer) => Buffer): void {
  writeFileSync(file, change(readFileSync(file)));
}

test("an entry of a kind that a newer version wrote stops each start and says so: it is neither damage, nor skipped", async () => {
  await withFolder(async (folder) => {
    const log = await openDurableLog(folder);
    await put(log, range(1, 5, 1));
    await log.close();
    const db = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: "view", valueEncoding: "view" });
    const record = Buffer.from(encodeRecord(entry(4, 1)));
    record[12] = 3;
    record.writeUInt32BE(crc32(record.subarray(4), crc32(entryKey(4))), 0);
    await db.put(entryKey(4), record);
    await db.close();
    for (let tries = 0; tries < 2; tries++) await assert.rejects(openDurableLog(folder), (error) => error instanceof UnknownEntryError && /entry 4 .* kind 3, .* run the newer version again/.test(error.message));
  });
});

test("a write that a crash cut short is gone, and the log goes on before it", async () => {
  for (const [cut, vote] of [[0, "y"], [1, "x"], [30, "x"]] as const) {
    await withFolder(async (folder) => {
      const { copy, file } = await unfinished(folder);
      edit(file, (bytes) => bytes.subarray(0, bytes.length - cut));
      const log = await openDurableLog(copy);
      assert.deepEqual([log.lastIndex(), log.hardState.vote], [40, vote]);
      await log.close();
    });
  }
});

test("one flipped bit anywhere in what was written is found, at each start, and told with what to do", async () => {
  for (const place of [0.001, 0.3, 0.5, 0.9, 0.9999]) {
    await withFolder(async (folder) => {
      const { copy, file } = await unfinished(folder);
      edit(file, (bytes) => {
        bytes[Math.floor(bytes.length * place)]! ^= 1;
        return bytes;
      });
      for (let tries = 0; tries < 3; tries++) await assert.rejects(openDurableLog(copy), (error) => error instanceof DamagedLogError && /remove this node .* join again/.test(error.message), `${place}`);
    });
  }
});

test("a table file that is damaged or gone is found", async () => {
  for (const harm of [(file: string) => rmSync(file), (file: string) => edit(file, (bytes) => bytes.fill(7, bytes.length - 60))]) {
    await withFolder(async (folder) => {
      const { copy } = await unfinished(folder);
      // Builds a table of what was in the write-ahead file.
      await (await openDurableLog(copy)).close();
      harm(join(copy, readdirSync(copy).find((name) => name.endsWith(".ldb"))!));
      await assert.rejects(openDurableLog(copy), DamagedLogError);
    });
  }
});

test("after a write that failed nothing more is written, and what was acknowledged is found again", async () => {
  const program = `
    import { openDurableLog } from ${JSON.stringify(new URL("./durable-log.js", import.meta.url).href)};
    const log = await openDurableLog(process.argv[1]);
    const write = (index) => log.write({ hardState: undefined, entries: [{ index, term: 1, kind: "normal", data: Buffer.alloc(20_000, index) }] });
    const codes = [];
    let index = 1;
    for (; codes.length < 3; ) await write(index).then(() => index++, (error) => codes.push(error.code));
    await log.compact({ index: 1, term: 1, configuration: { servers: [] }, configurationIndex: 0 }).catch((error) => codes.push(error.code));
    await log.expectSnapshot({}).catch((error) => codes.push(error.code));
    console.log(JSON.stringify({ index, codes }));`;
  await withFolder(async (folder) => {
    const log = join(folder, "log");
    // A file may not grow beyond this: blocks of 1 KiB.
    const { stdout } = await promisify(execFile)("bash", ["-c", 'ulimit -f 300 && exec "$0" --input-type=module -e "$1" "$2"', process.execPath, program, log]);
    const { index, codes } = JSON.parse(stdout) as { index: number; codes: string[] };
    assert.deepEqual(codes, Array(5).fill("disk_failed"));
    const found = await openDurableLog(log);
    assert.equal(found.lastIndex(), index - 1);
    await put(found, [entry(index, 1)]);
    await found.close();
  });
});
