import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

const RUNNER = `
  import { run } from "node:test";
  import { createTally } from ${JSON.stringify(new URL("tally.mjs", import.meta.url).href)};
  import { endLeftovers, markChildren, removeTemporaryFolder, useOwnTemporaryFolder } from ${JSON.stringify(new URL("leftovers.mjs", import.meta.url).href)};
  markChildren();
  useOwnTemporaryFolder();
  const tally = createTally();
  const stream = run({ files: [process.argv[2]], timeout: Number(process.argv[3]) });
  tally.watch(stream);
  stream.on("data", () => undefined);
  await new Promise((resolve) => stream.on("end", resolve));
  endLeftovers();
  removeTemporaryFolder();
  console.log(JSON.stringify(tally.close()));
  process.exit(0);
`;

function run(t, program, timeoutMs = 60_000) {
  const folder = mkdtempSync(join(tmpdir(), "coffer-tally-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "some.test.mjs");
  const runner = join(folder, "runner.mjs");
  writeFileSync(runner, RUNNER);
  writeFileSync(file, `import test from "node:test"; import { spawn } from "node:child_process";\n${program}`);
  // Not as the child of a test run, or Node's runner declines.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, [runner, file, String(timeoutMs)], { env, encoding: "utf8" });
  assert.equal(stderr, "");
  const lines = stdout.trim().split("\n");
  return { ...JSON.parse(lines.at(-1)), printed: lines.slice(0, -1) };
}

test("passes, failures and skips are counted, subtests as well, suites not", (t) => {
  const { counts, complaints } = run(t, `
    test("good", async (t) => { await t.test("inside", () => {}); });
    test("bad", () => { throw new Error("bad"); });
    test("not now", { skip: true }, () => {});
    test.describe("a suite", () => { test.it("has one", () => {}); });`);
  assert.deepEqual(counts, { passed: 3, failed: 1, skipped: 1 });
  assert.deepEqual(complaints, []);
});

test("a file that crashes, hangs, exits early or has no test is a failure", (t) => {
  const cases = {
    'throw new Error("at import");': 1,
    'test("good", () => { setTimeout(() => { throw new Error("late"); }, 20); });': 1,
    'test("dies", () => process.kill(process.pid, "SIGKILL"));': 1,
    'test("good", () => {}); test("leaves", async () => { await new Promise((wake) => setTimeout(wake, 20)); process.exit(0); });': 1,
    "": 1,
  };
  for (const [program, failed] of Object.entries(cases)) assert.equal(run(t, program).counts.failed, failed, program);
  assert.equal(run(t, 'test("never ends", () => new Promise(() => setInterval(() => {}, 1000)));', 3000).counts.failed, 1);
});

test("a process that a test left behind is ended and named", { skip: process.platform !== "linux" }, (t) => {
  const { counts, printed } = run(t, 'test("good", () => spawn("sleep", ["4711"], { detached: true, stdio: "ignore" }).unref());');
  assert.equal(counts.failed, 0);
  assert.match(printed.join("\n"), /^left running by the tests, ended now: \d+ sleep 4711$/);
});

test("what a test left in the temporary folder is removed and named", (t) => {
  const { counts, printed } = run(t, `
    import { writeFileSync } from "node:fs";
    import { tmpdir } from "node:os";
    test("good", () => writeFileSync(tmpdir() + "/left-by-a-test", tmpdir()));`);
  assert.equal(counts.failed, 0);
  assert.deepEqual(printed, ["left in the temporary folder by the tests, removed now: left-by-a-test"]);
});
