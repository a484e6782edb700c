// `npm test`: installs what is missing, builds, and runs every suite with Node's own runner. Arguments narrow it to files
// whose path contains one of them: `npm test -- raft/core`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { root } from "./cluster-lib.mjs";
import { endLeftovers, markChildren, removeTemporaryFolder, useOwnTemporaryFolder } from "./testing/leftovers.mjs";
import { inOrder } from "./testing/order.mjs";
import { createTally } from "./testing/tally.mjs";

/** Of one file; on a busy machine the longest take some minutes. */
const TIMEOUT_MS = 600_000;

process.chdir(root);

function sh(command, args) {
  const done = spawnSync(command, args, { stdio: "inherit" });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** What a removed source left in dist is no test of this version. */
function hasSource(path) {
  return existsSync(path.replace("/dist/", "/src/").replace(/\.js$/, ".ts"));
}

function testFiles(folder, found = []) {
  for (const name of readdirSync(folder)) {
    if (name === "node_modules" || name === "src") continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) testFiles(path, found);
    else if (name.endsWith(".test.mjs") || (name.endsWith(".test.js") && hasSource(path))) found.push(path);
  }
  return found;
}

if (!existsSync("node_modules/.package-lock.json")) sh("npm", ["ci"]);
sh(process.execPath, ["scripts/counterparts.mjs"]);
sh(process.execPath, ["node_modules/typescript/bin/tsc", "-b"]);

const args = process.argv.slice(2);
const isWanted = (file) => args.length === 0 || args.some((part) => file.includes(part));
const { together, alone } = inOrder([...testFiles("scripts"), ...testFiles("packages"), ...testFiles("cluster-tests")]);

const tally = createTally();
async function runFiles(list, concurrency) {
  if (list.length === 0) return;
  const stream = run({ files: list.map((file) => join(root, file)), concurrency, timeout: TIMEOUT_MS });
  tally.watch(stream);
  const report = stream.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await new Promise((resolve, reject) => report.on("end", resolve).on("error", reject));
  endLeftovers();
}
markChildren();
useOwnTemporaryFolder();
await runFiles(together.filter(isWanted), 2);
await runFiles(alone.filter(isWanted), 1);
removeTemporaryFolder();

const { counts, complaints } = tally.close();
for (const complaint of complaints) console.log(`✖ ${complaint}`);
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
