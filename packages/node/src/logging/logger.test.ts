import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { TestContext } from "node:test";
import { RequestError } from "@coffer/state-machine";
import { createLogging } from "./logger.js";
import type { Logging } from "./logger.js";

function logTo(t: TestContext, format: "standard" | "json", level: "trace" | "info" = "info"): { logging: Logging; file: string; lines: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), "coffer-logging-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "log", "coffer.log");
  return { logging: createLogging({ level, format, file }), file, lines: () => readFileSync(file, "utf8").split("\n").slice(0, -1) };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

test("a standard line has time, level, name, message and fields", (t) => {
  const { logging, lines } = logTo(t, "standard");
  logging.logger("core").info("unsealed", { node: "node-1", index: 7, reason: "three of five", list: ["a"] });
  logging.logger("raft").warn("slow");
  const [first, second] = lines();
  assert.match(first!, TIME);
  assert.equal(first!.replace(TIME, ""), '[INFO]  core: unsealed: node=node-1 index=7 reason="three of five" list=["a"]');
  assert.equal(second!.replace(TIME, ""), "[WARN]  raft: slow");
});

test("a JSON line has Vault's keys, which no field can take", (t) => {
  const { logging, lines } = logTo(t, "json");
  logging.logger("core").error("failed", { name: "x", level: "y", msg: "z", time: 1 });
  const { "@timestamp": time, ...rest } = JSON.parse(lines()[0]!) as Record<string, unknown>;
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.deepEqual(rest, { "@level": "error", "@module": "core", "@message": "failed", name: "x", level: "y", msg: "z", time: 1 });
});

test("odd fields are written as well as they can be, and stop nothing", (t) => {
  const circular: Record<string, unknown> = { a: 1 };
  circular["self"] = circular;
  const throwing = { toJSON: () => { throw new Error("no JSON"); } };
  const fields = { undefined: undefined, error: new Error("broken"), circular, big: 2n ** 70n, symbol: Symbol("s"), call: function named() {}, nan: NaN, nothing: null, throwing, nested: { big: 1n }, date: new Date(0), bytes: Buffer.from("ab") };
  for (const format of ["standard", "json"] as const) {
    const { logging, lines } = logTo(t, format);
    logging.logger("core").info("odd", fields);
    logging.logger("core").info("after");
    const written = lines();
    assert.equal(written.length, 2, format);
    if (format === "json") {
      const { error, big, nan, circular: found, call } = JSON.parse(written[0]!) as Record<string, unknown>;
      assert.deepEqual([error, big, nan, call, found], ["broken", String(2n ** 70n), "NaN", "[function named]", { a: 1, self: "[Circular]" }]);
    }
  }
});

test("a message cannot forge a line or speak to the terminal", (t) => {
  const { logging, lines } = logTo(t, "standard");
  logging.logger("core").info("one\ntwo \u001b[31mred\r", { "ke\ny": "va\nlue\u001b" });
  assert.deepEqual(lines().map((line) => line.replace(TIME, "")), ['[INFO]  core: one\\ntwo \\u001b[31mred\\u000d: ke\\ny="va\\nlue\\u001b"']);
});

test("levels are set for all loggers or for one, also by Vault's other names", (t) => {
  const { logging, lines } = logTo(t, "standard");
  const [core, raft] = [logging.logger("core"), logging.logger("raft")];
  core.debug("hidden");
  logging.setLevel("core", "debug");
  core.debug("shown");
  raft.debug("hidden");
  logging.setLevel(undefined, "ERR");
  core.warn("hidden");
  logging.logger("new").warn("hidden");
  logging.logger("new").error("shown");
  assert.deepEqual(lines().map((line) => line.replace(TIME, "")), ["[DEBUG] core: shown", "[ERROR] new: shown"]);
  assert.deepEqual(logging.levels(), { core: "error", raft: "error", new: "error" });
});

test("a level or a logger that is unknown is the caller's error", (t) => {
  const { logging } = logTo(t, "standard");
  const refused = (name: string | undefined, level: string, code: string) => assert.throws(() => logging.setLevel(name, level), (error) => error instanceof RequestError && error.code === code);
  refused(undefined, "loud", "invalid_request");
  refused(undefined, "constructor", "invalid_request");
  refused("nobody", "info", "invalid_request");
  assert.equal(logging.logger("core").info("still here"), undefined);
});

test("after a rotation and reopening, lines go to the new file", (t) => {
  const { logging, file, lines } = logTo(t, "standard");
  const logger = logging.logger("core");
  logger.info("old");
  renameSync(file, `${file}.1`);
  logger.info("old too");
  logging.reopen();
  logger.info("new");
  assert.deepEqual(lines().map((line) => line.replace(TIME, "")), ["[INFO]  core: new"]);
  assert.equal(readFileSync(`${file}.1`, "utf8").split("\n").length, 3);
});

test("a full disk costs lines, not the process", { skip: process.platform === "linux" ? false : "/dev/full is Linux" }, () => {
  const script = `
    import { createLogging } from ${JSON.stringify(new URL("./logger.js", import.meta.url).href)};
    const logger = createLogging({ level: "info", format: "standard", file: "/dev/full" }).logger("core");
    for (let i = 0; i < 100; i++) logger.info("lost");
    setImmediate(() => console.log("alive"));
  `;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", timeout: 60_000 });
  assert.equal(done.stdout, "alive\n", done.stderr);
});
