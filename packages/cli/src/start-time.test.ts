/** Commands load lazily: a command line that needs nothing costs little more than Node itself. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../bin/coffer.js", import.meta.url));
const RUNS = 7;
const ATTEMPTS = 4;
const MAX_RATIO = 2.5;
const START_MS = 60_000;

/** Prints every module that is imported as it is resolved, and at the end every one that was required, on stderr. */
const TRACE = `import { createRequire, register } from "node:module";
import { writeSync } from "node:fs";
process.on("exit", () => writeSync(2, Object.keys(createRequire("file:///").cache).map((file) => "file://" + file + "\\n").join("")));
register("data:text/javascript," + encodeURIComponent(\`
  import { writeSync } from "node:fs";
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context);
    writeSync(2, found.url + "\\\\n");
    return found;
  }
\`));`;

const traced = (words: readonly string[]): string[] => ["--import", `data:text/javascript,${encodeURIComponent(TRACE)}`, PROGRAM, ...words];

/** From what was traced, beside Node's own: files of ours by package, others by the name of their package. */
function modulesIn(trace: string): string[] {
  const urls = trace.split("\n").filter((line) => line.startsWith("file:"));
  return [...new Set(urls.map((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url.replace(/^.*\/packages\//, "").replace("/dist/", "/")))].sort();
}

const modulesOf = (words: readonly string[]): string[] => modulesIn(spawnSync(process.execPath, traced(words), { encoding: "utf8" }).stderr);

/** What a dev server has loaded beside Node's own once it is ready, after which it is told to end. */
async function modulesOfServer(): Promise<string[]> {
  const server = spawn(process.execPath, [...traced(["server", "-dev", "-dev-no-store-token", "-dev-listen-address=127.0.0.1:0"])]);
  let trace = "";
  server.stderr.on("data", (text: Buffer) => void (trace += text.toString()));
  server.stdout.on("data", (text: Buffer) => void (text.toString().includes("Root Token:") && server.kill()));
  const timer = setTimeout(() => server.kill("SIGKILL"), START_MS);
  const [code] = (await once(server, "close")) as [number | null];
  clearTimeout(timer);
  assert.equal(code, 0, trace.split("\n").slice(-5).join("\n"));
  return modulesIn(trace);
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

  it("a server loads the engines and libraries of what is mounted, and no others", async () => {
    const loaded = await modulesOfServer();
    for (const needed of ["node/server/run-server.js", "engines/kv/engine.js"]) assert.ok(loaded.includes(needed), needed);
    assert.deepEqual(loaded.filter((name) => /^(express|prom-client|jose|tar-stream|reflect-metadata|asn1js|pg|mysql2|redis|ldapts|openpgp|qrcode|sshpk|yaml)$|^@(peculiar|aws-sdk|node-rs|noble)\//.test(name)), []);
    assert.deepEqual(loaded.filter((name) => /^node\/(diagnose|certificates|snapshot-file|storage)\/|^raft\/(host|log)\/(host|durable-log)/.test(name)), []);
    assert.deepEqual(loaded.filter((name) => /^engines\/(pki|transit|database|aws|ssh|totp|cert|jwt|ldap|userpass)/.test(name)), []);
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
