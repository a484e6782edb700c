/** Commands load lazily: a command line that needs nothing costs little more than Node itself. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../bin/coffer.js", import.meta.url));
const RUNS = 7;
const ATTEMPTS = 4;
const MAX_RATIO = 2.5;

/** Prints every module that is resolved, on stderr. */
const TRACE = `import { register } from "node:module";
register("data:text/javascript," + encodeURIComponent(\`
  import { writeSync } from "node:fs";
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context);
    writeSync(2, found.url + "\\\\n");
    return found;
  }
\`));`;

/** What a command line loads beside Node's own: file names of ours, package names of others. */
function modulesOf(words: readonly string[]): string[] {
  const done = spawnSync(process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(TRACE)}`, PROGRAM, ...words], { encoding: "utf8" });
  const urls = done.stderr.split("\n").filter((line) => line.startsWith("file:"));
  return [...new Set(urls.map((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url.replace(/^.*\/(?=[^/]+\/[^/]+$)/, "")))].sort();
}

function milliseconds(args: readonly string[]): number {
  const begin = performance.now();
  assert.equal(spawnSync(process.execPath, args).status, 0);
  return performance.now() - begin;
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

describe("starting", () => {
  it("version loads five files of ours and no package", () => {
    assert.deepEqual(modulesOf(["version"]), ["bin/coffer.js", "commands/version.js", "dist/command-table.js", "dist/main.js", "framework/io.js"]);
  });

  it("a command that asks the server loads neither the server nor what other commands need", () => {
    const loaded = modulesOf(["kv", "get", "-address=http://127.0.0.1:1", "secret/x"]);
    assert.ok(loaded.includes("commands/kv-get.js"));
    assert.deepEqual(loaded.filter((name) => /^commands\//.test(name)), ["commands/kv-get.js"]);
    assert.deepEqual(loaded.filter((name) => ["@coffer/node", "tar-stream", "yaml", "node/dist", "express", "level"].includes(name) || name.startsWith("server/")), []);
  });

  it(`version takes at most ${MAX_RATIO} times as long as node alone`, () => {
    const ratios: number[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const bare: number[] = [];
      const version: number[] = [];
      // In turns, so that what else the machine does hits both.
      for (let run = 0; run < RUNS; run++) {
        bare.push(milliseconds(["-e", "0"]));
        version.push(milliseconds([PROGRAM, "version"]));
      }
      ratios.push(median(version) / median(bare));
      if (ratios.at(-1)! <= MAX_RATIO) return;
    }
    assert.fail(`ratios of ${ATTEMPTS} attempts: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`);
  });
});
