import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("what a library warns of is one line of the log, and goes past it again afterwards", () => {
  const from = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    import { createLogging } from ${from("./logger.js")};
    import { logRuntimeWarnings } from ${from("./runtime-warnings.js")};
    const end = logRuntimeWarnings(createLogging({ level: "info", format: "json", file: undefined }).logger("server"));
    const told = new Promise((resolve) => process.once("warning", resolve));
    process.emitWarning("an old\\n\\nlibrary");
    await told;
    end();
    process.emitWarning("the usual way");
  `;
  const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(status, 0);
  const lines = stderr.split("\n");
  const { "@level": level, "@message": message, name, message: text } = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.deepEqual([level, message, name, text], ["warn", "a warning of the runtime", "Warning", "an old library"]);
  assert.match(lines[1]!, /^\(node:\d+\) Warning: the usual way$/);
});
