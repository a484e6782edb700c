import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import { shownArguments } from "./command-line.js";
import { fromCpuProfile } from "./cpu-profile.js";
import { profiles } from "./index.js";

const SECRET = "a-value-in-memory";
/** V8 counts memory to where a function was inlined: `work` may be, this one is its own. */
const ALLOCATES = "repeat";
const hasGo = spawnSync("go", ["version"]).status === 0;

interface Read {
  readonly types: readonly string[];
  readonly names: readonly string[];
  readonly total: number;
}

function decode(bytes: Uint8Array | string): Read {
  assert.ok(typeof bytes !== "string");
  const { sampleType, sample, function: functions, stringTable: { strings } } = Profile.decode(gunzipSync(bytes));
  return {
    types: sampleType.map(({ type, unit }) => `${strings[Number(type)]}/${strings[Number(unit)]}`),
    names: functions.map(({ name }) => strings[Number(name)]!),
    total: sample.reduce((sum, { value }) => sum + Number(value.at(-1)), 0),
  };
}

/** Keeps the thread at work, and allocates, until it is told to stop. */
function busy(): () => void {
  let isDone = false;
  const kept: string[] = [];
  (function work() {
    for (let i = 0; i < 2000; i++) kept.push(`${SECRET}-${i}`.repeat(3));
    if (kept.length > 100_000) kept.length = 0;
    if (!isDone) setImmediate(work);
  })();
  return () => void (isDone = true);
}

test("profiles of functions name what worked and what allocated, and nothing of what it worked on", async (t) => {
  t.after(busy());
  const [cpu, allocated] = await Promise.all([profiles.take("profile", "pprof", 1), profiles.take("allocs", "pprof", 1)]);
  const kept = await profiles.take("heap", "pprof", 1);
  for (const [profile, types, name] of [[cpu, ["samples/count", "cpu/nanoseconds"], "work"], [allocated, ["alloc_space/bytes"], ALLOCATES], [kept, ["inuse_space/bytes"], ALLOCATES]] as const) {
    const read = decode(profile);
    assert.deepEqual(read.types, types);
    assert.ok(read.names.includes(name), read.names.join());
    assert.ok(read.total > 0);
    assert.ok(!gunzipSync(profile as Uint8Array).includes(SECRET));
  }
  assert.ok(decode(cpu).total <= 1.5e9, "no more time than has passed");
});

test("the state of the moment needs no time: sizes of the heap, what is waited for, threads", async () => {
  const heap = decode(await profiles.take("heap", "pprof", 0));
  assert.ok(heap.names.includes("(V8 old_space)") && heap.total > 1e6);
  assert.deepEqual(decode(await profiles.take("goroutine", "pprof", 0)).types, ["goroutine/count"]);
  if (process.platform === "linux") assert.ok(decode(await profiles.take("threadcreate", "pprof", 0)).total >= 2);
  for (const name of ["block", "mutex"] as const) assert.deepEqual(decode(await profiles.take(name, "pprof", 0)), { types: ["contentions/count", "delay/nanoseconds"], names: [], total: 0 });
  assert.match((await profiles.take("heap", "text", 0)) as string, /^heap profile: inuse_space\/bytes\n\d+ @ \(V8 /);
});

test("go tool pprof reads each of them", { skip: !hasGo && "there is no Go here" }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "coffer-profiles-"));
  t.after(() => rmSync(folder, { recursive: true }));
  t.after(busy());
  for (const [name, seconds, type] of [["profile", 1, "cpu"], ["allocs", 1, "alloc_space"], ["heap", 0, "inuse_space"], ["goroutine", 0, "goroutine"], ["threadcreate", 0, "threadcreate"], ["block", 0, "delay"], ["mutex", 0, "delay"]] as const) {
    const file = join(folder, name);
    writeFileSync(file, await profiles.take(name, "pprof", seconds));
    const { status, stdout, stderr } = spawnSync("go", ["tool", "pprof", "-top", "-nodefraction=0", "-nodecount=100000", file], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`^Type: ${type}$`, "m"), name);
    if (seconds > 0) assert.match(stdout, name === "profile" ? / work$/m : / repeat$/m, stdout);
  }
});

test("one of a kind at a time; another kind does not wait for it", async (t) => {
  t.after(busy());
  const first = profiles.take("profile", "pprof", 1);
  await assert.rejects(profiles.cpuProfile(1), /a CPU profile is being taken already/);
  const sampled = profiles.take("allocs", "pprof", 1);
  await assert.rejects(profiles.take("heap", "pprof", 1), /a heap profile is being taken already/);
  await Promise.all([first, sampled]);
  assert.ok((JSON.parse(await profiles.cpuProfile(1)) as { nodes: object[] }).nodes.length > 0, "the next one may come");
});

test("a trace tells of garbage collections, and not how the process was called", async (t) => {
  t.after(busy());
  const { traceEvents } = JSON.parse(await profiles.trace(1)) as { traceEvents: { name: string; ph: string }[] };
  assert.ok(traceEvents.some(({ name }) => name === "MinorGC"));
  assert.deepEqual([...new Set(traceEvents.filter(({ ph }) => ph === "M").map(({ name }) => name))], ["thread_name"]);
});

test("idle time is none of the processor's, and each sample lasts until the next", () => {
  const node = (id: number, functionName: string, children: number[] = []) => ({ id, callFrame: { functionName, url: "file:///a/b.js", lineNumber: id, columnNumber: 0, scriptId: "1" }, children });
  const { samples, durationMs } = fromCpuProfile({ nodes: [node(1, "(root)", [2, 4]), node(2, "outer", [3]), node(3, ""), node(4, "(idle)")], samples: [3, 4, 3, 2], timeDeltas: [0, 1000, 5000, 2000], startTime: 0, endTime: 9000 }, 0);
  assert.equal(durationMs, 9);
  assert.deepEqual(samples, [
    { stack: [{ name: "(anonymous b.js:4)", file: "/a/b.js", line: 4 }, { name: "outer", file: "/a/b.js", line: 3 }], values: [2, 3e6] },
    { stack: [{ name: "outer", file: "/a/b.js", line: 3 }], values: [1, 1e6] },
  ]);
});

test("of the command line only values that are no secrets are shown", () => {
  for (const [given, shown] of [
    [["server", "-dev", "-dev-root-token-id=s3cret", "-dev-listen-address=127.0.0.1:1"], ["server", "-dev", "-dev-root-token-id=<hidden>", "-dev-listen-address=127.0.0.1:1"]],
    [["server", "--dev-root-token-id", "s3cret", "-config", "a.hcl"], ["server", "--dev-root-token-id", "<hidden>", "-config", "a.hcl"]],
    [["server", "s3cret", "-later=s3cret", "-dev-root-token-id", "-s3cret"], ["server", "<hidden>", "<hidden>", "-dev-root-token-id", "<hidden>"]],
    [["server", "-dev-root-token-id=-a\n=b"], ["server", "-dev-root-token-id=<hidden>"]],
    [["server", "-dev", "s3cret"], ["server", "-dev", "<hidden>"]],
    [[], []],
  ] as const) assert.deepEqual(shownArguments(given), shown);
});
