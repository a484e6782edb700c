import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { main } from "../main.js";

const home = mkdtempSync(join(tmpdir(), "coffer-migrate-"));
after(() => rmSync(home, { recursive: true }));

async function migrate(...flags: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  let [stdout, stderr] = ["", ""];
  const exitCode = await main(["operator", "migrate", ...flags], {
    stdout: { write: (text) => (stdout += String(text)) },
    stderr: { write: (text) => (stderr += String(text)) },
    stdin: Readable.from([]),
    env: { HOME: home },
  });
  return { exitCode, stdout, stderr };
}

test("flags that cannot be used are told, with exit code 1", async () => {
  for (const [flags, message] of [
    [[], /Must specify exactly one config path using -config/],
    [["-config=x", "-log-level=loud"], /Unknown log level/],
    [["-config=x", "-max-parallel=0"], /-max-parallel must be between 1/],
  ] as const) {
    const { exitCode, stderr } = await migrate(...flags);
    assert.equal(exitCode, 1);
    assert.match(stderr, message);
  }
});

test("what stands in the way is told by its name, with exit code 2, and -reset finds no lock", async () => {
  const file = join(home, "m.hcl");
  assert.match((await migrate(`-config=${file}`)).stderr, /Error migrating: /);
  writeFileSync(file, `storage_source "file" { path = "${home}/a" }\nstorage_destination "file" { path = "${home}/b" }\n`);
  const { exitCode, stderr } = await migrate(`-config=${file}`, "-start=core/");
  assert.equal(exitCode, 2);
  assert.match(stderr, /-start has no effect[\s\S]*Error migrating: the source holds no initialized state; nothing was migrated/);
  assert.equal((await migrate(`-config=${file}`, "-reset")).exitCode, 0);
});
