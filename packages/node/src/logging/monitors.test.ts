import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogging } from "./logger.js";
import { createMonitors } from "./monitors.js";

test("a monitor gets the lines of its level, whatever the loggers' own, until it goes", async () => {
  const logging = createLogging({ level: "error", format: "json", file: "/dev/null" });
  const logger = logging.logger("core");
  const plain = logging.monitor("warn", "standard");
  const json = logging.monitor("debug", "json");
  logger.debug("quiet");
  logger.warn("loud", { a: 1, "@message": "forged" });
  const texts = [plain, json].map((stream) => String(stream.read()));
  assert.match(texts[0]!, /^\S+ \[WARN\] {2}core: loud: a=1\n$/);
  assert.deepEqual(texts[1]!.trim().split("\n").map((line) => (JSON.parse(line) as Record<string, unknown>)["@message"]), ["quiet", "loud"]);
  plain.destroy();
  json.destroy();
  await new Promise(setImmediate);
  logger.error("nobody listens");
  assert.equal(plain.read(), null);
  assert.throws(() => logging.monitor("noisy", "json"), { code: "invalid_request" });
  logging.setLevel(undefined, "trace");
  logging.resetLevel("core");
  assert.deepEqual(logging.levels(), { core: "error" });
  assert.throws(() => logging.resetLevel("nope"), { code: "invalid_request" });
});

test("a monitor that does not keep up loses lines, and is told how many", () => {
  const monitors = createMonitors();
  const stream = monitors.open("info", "json");
  const line = "x".repeat(300_000);
  for (let i = 0; i < 6; i++) monitors.write("info", line);
  assert.equal(String(stream.read()).length, 4 * 300_001);
  monitors.write("info", "on");
  assert.equal(String(stream.read()), "Monitor dropped 2 logs during monitor request\non\n");
  stream.destroy();
});
