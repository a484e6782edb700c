// `npm run chaos`: real processes under random faults and traffic. Everything acknowledged must be there, and reads linearizable.
import { spawnSync } from "node:child_process";
import { parseFlags, root } from "./cluster-lib.mjs";

const usage = `usage: npm run chaos -- [options]
  --minutes N   how long faults go on (default 5)
  --seed S      which faults come, and to whom (default: by chance)
  --nodes N     3 or 5 (default 3)
  --read-lease  nodes answer reads by a lease
Disks are filled on Linux as root only. Links are cut by network namespaces there, and elsewhere, or with
COFFER_TEST_NETWORK=proxies, by proxies.`;
const flags = parseFlags(process.argv.slice(2), { minutes: "value", seed: "value", nodes: "value", "read-lease": "flag" }, usage);

function number(name, fallback, isValid, what) {
  const value = Number(flags[name] ?? fallback);
  if (isValid(value)) return value;
  console.error(`--${name} takes ${what}, not "${flags[name]}"\n\n${usage}`);
  return process.exit(1);
}

const minutes = number("minutes", 5, (value) => value > 0, "a number above 0");
const readLease = flags["read-lease"] === true;
const nodes = number("nodes", 3, (value) => value === 3 || value === 5, "3 or 5");
const seed = number("seed", Math.floor(Math.random() * 2 ** 31), (value) => Number.isSafeInteger(value) && value >= 0, "a whole number");

const built = spawnSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-b"], { cwd: root, stdio: "inherit" });
if (built.status !== 0) process.exit(built.status ?? 1);
const { runChaos } = await import("../cluster-tests/dist/harness/chaos-run.js");
const { NotInTime } = await import("../cluster-tests/dist/harness/until.js");
const { createRandom } = await import("../packages/raft/dist/simulation/random.js");

const begin = performance.now();
const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    tell(`${signal}: no more faults after this one`);
    ending.abort();
  });
}
const tell = (what) => console.log(`${((performance.now() - begin) / 1000).toFixed(1).padStart(7)} s  ${what}`);
console.log(`seed ${seed}, ${nodes} nodes, ${minutes} minutes${readLease ? ", reads by a lease" : ""}`);
try {
  const { faults, reads, writes, failedWrites, failures, longestGapMs } = await runChaos({ nodes, minutes, readLease, random: createRandom(seed).next, tell, signal: ending.signal });
  console.log(`\n${[...faults].map(([name, count]) => `${count} × ${name}`).join(", ")}`);
  console.log(`${writes} writes and ${reads} reads checked, ${failedWrites} writes failed; longest time without a write ${Math.round(longestGapMs)} ms`);
  for (const [what, count] of [...failures].sort(([, a], [, b]) => b - a)) console.log(`${String(count).padStart(7)} × ${what}`);
  console.log("every promise held");
} catch (error) {
  const verdict = error instanceof NotInTime ? "NOT BACK IN TIME (until then every promise held)" : "BROKEN";
  console.error(`\n${verdict} with --seed ${seed} --nodes ${nodes}${readLease ? " --read-lease" : ""}:`, error);
  process.exitCode = 1;
}
// Where it broke, clients are still at it.
process.exit();
