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

/** What a command line loads beside Node's own: files of ours by package, others by the name of their package. */
function modulesOf(words: readonly string[]): string[] {
  const done = spawnSync(process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(TRACE)}`, PROGRAM, ...words], { encoding: "utf8" });
  const urls = done.stderr.split("\n").filter((line) => line.startsWith("file:"));
  return [...new Set(urls.map((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url.replace(/^.*\/packages\//, "").replace("/dist/", "/")))].sort();
}

function milliseconds(args: readonly string[]): number {
  const begin = performance.now();
  assert.equal(spawnSync(process.execPath, args).status, 0);
  return performance.now() - begin;
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

describe("starting", () => {
  it("version loads five files of ours and no package", () => {
    assert.deepEqual(modulesOf(["version"]), ["cli/bin/coffer.js", "cli/command-table.js", "cli/commands/version.js", "cli/framework/io.js", "cli/main.js"]);
  });

  it("a command that asks the server loads neither the server nor what other commands need", () => {
    const loaded = modulesOf(["kv", "get", "-address=http://127.0.0.1:1", "secret/x"]);
    assert.deepEqual(loaded.filter((name) => name.startsWith("cli/commands/")), ["cli/commands/kv-get.js"]);
    assert.deepEqual(loaded.filter((name) => /^(node|engines|raft|state-machine|hcl)\/|^(tar-stream|yaml|yargs|lossless-json|pino|express|level)$/.test(name)), []);
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
