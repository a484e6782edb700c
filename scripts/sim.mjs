// `npm run sim`: the consensus core under simulated faults. A seed that fails is printed, and replays alone.
import { spawnSync } from "node:child_process";
import { parseFlags, root } from "./cluster-lib.mjs";

const usage = `usage: npm run sim -- [options]
  --seeds N        how many seeds to run (default 1000)
  --from S         first seed (default 1)
  --ticks N        how long faults go on (default 500)
  --breakage NAME  break a promise on purpose; the first seed that notices ends the run
  --keep-going     do not stop at the first seed that fails`;
const flags = parseFlags(process.argv.slice(2), { seeds: "value", from: "value", ticks: "value", breakage: "value", "keep-going": "flag" }, usage);

const built = spawnSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-b", "packages/raft"], { cwd: root, stdio: "inherit" });
if (built.status !== 0) process.exit(built.status ?? 1);
const { run } = await import("../packages/raft/dist/simulation/run.js");
const { coreWith } = await import("../packages/raft/dist/simulation/mutation.js");
const { BREAKAGES } = await import("../packages/raft/dist/simulation/breakages.js");

function wholeNumber(name, fallback) {
  const value = Number(flags[name] ?? fallback);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} takes a whole number, not "${flags[name]}"`);
  process.exit(1);
}

if (flags.breakage !== undefined && !BREAKAGES[flags.breakage]) {
  console.error(`there is no breakage "${flags.breakage}"; there are:\n${Object.keys(BREAKAGES).map((name) => `  ${name}`).join("\n")}`);
  process.exit(1);
}
const from = wholeNumber("from", 1);
const seeds = wholeNumber("seeds", 1000);
const breakage = BREAKAGES[flags.breakage];
const createCore = await coreWith(breakage?.mutation);
const total = {};
let failed = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const result = run({ seed, ticks: wholeNumber("ticks", 500), breakage, createCore });
  for (const [name, count] of Object.entries(result.counts)) total[name] = (total[name] ?? 0) + count;
  if (!result.violation) continue;
  failed += 1;
  console.log(`seed ${seed}, tick ${result.tick}: ${result.violation}`);
  if (!flags["keep-going"]) break;
}
console.log(`${Object.entries(total).map(([name, count]) => `${count} ${name}`).join(", ")}; ${failed === 0 ? "every promise held" : `${failed} failed`}`);
process.exit(failed === 0 ? 0 : 1);
