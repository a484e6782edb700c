// `npm test`: installs what is missing, builds, and runs every suite with Node's own runner. Arguments narrow it to files
// whose path contains one of them: `npm test -- raft/core`.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

function sh(command, args) {
  const done = spawnSync(command, args, { stdio: "inherit" });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

function testFiles(folder, found = []) {
  for (const name of readdirSync(folder)) {
    if (name === "node_modules" || name === "src") continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) testFiles(path, found);
    else if (name.endsWith(".test.js") || name.endsWith(".test.mjs")) found.push(path);
  }
  return found;
}

if (!existsSync("node_modules/.package-lock.json")) sh("npm", ["ci"]);
sh(process.execPath, ["node_modules/typescript/bin/tsc", "-b"]);

const wanted = process.argv.slice(2);
const files = [...testFiles("scripts"), ...testFiles("packages"), ...testFiles("cluster-tests")].filter(
  (file) => wanted.length === 0 || wanted.some((part) => file.includes(part)),
);
// Cluster tests start real processes and measure time: they run alone, after everything else.
const unit = files.filter((file) => !file.startsWith("cluster-tests"));
const cluster = files.filter((file) => file.startsWith("cluster-tests"));

const counts = { passed: 0, failed: 0, skipped: 0 };
async function runFiles(list, concurrency) {
  if (list.length === 0) return;
  const stream = run({ files: list.map((file) => join(process.cwd(), file)), concurrency, timeout: 600_000 });
  stream.on("test:pass", (event) => {
    if (event.details.type === "suite") return;
    if (event.skip !== undefined) counts.skipped += 1;
    else counts.passed += 1;
  });
  stream.on("test:fail", (event) => {
    if (event.details.type !== "suite") counts.failed += 1;
  });
  const report = stream.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await new Promise((resolve, reject) => report.on("end", resolve).on("error", reject));
}
await runFiles(unit, 2);
await runFiles(cluster, 1);

const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
