// `npm run sim`: consensus, log, snapshots and store as they ship, under simulated faults. A seed that fails is printed, and replays alone.
import { spawnSync } from "node:child_process";
import { parseFlags, root } from "./cluster-lib.mjs";

const usage = `usage: npm run sim -- [options]
  --seeds N        how many seeds to run (default 1000)
  --from S         first seed (default 1)
  --ticks N        how long faults go on (default 500)
  --state KIND     what is replicated: store, the state database (default), or memory, which is faster
  --breakage NAME  break a promise on purpose; the first seed that notices ends the run
  --keep-going     do not stop at the first seed that fails`;
const flags = parseFlags(process.argv.slice(2), { seeds: "value", from: "value", ticks: "value", state: "value", breakage: "value", "keep-going": "flag" }, usage);

const built = spawnSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-b", "packages/node"], { cwd: root, stdio: "inherit" });
if (built.status !== 0) process.exit(built.status ?? 1);
const { BREAKAGES, run, shippedWith } = await import("../packages/raft/dist/simulation/index.js");
const { STORE_BREAKAGES, storeWith } = await import("../packages/node/dist/simulation/breakages.js");
const { createStoreService } = await import("../packages/node/dist/simulation/service.js");

function refuse(message) {
  console.error(message);
  process.exit(1);
}

function wholeNumber(name, fallback) {
  const value = Number(flags[name] ?? fallback);
  return Number.isSafeInteger(value) && value >= 0 ? value : refuse(`--${name} takes a whole number, not "${flags[name]}"`);
}

const { state = "store", breakage: name } = flags;
if (!["store", "memory"].includes(state)) refuse(`--state is store or memory, not "${state}"`);
const isOfStore = name !== undefined && name in STORE_BREAKAGES;
if (name !== undefined && !isOfStore && !BREAKAGES[name]) refuse(`there is no breakage "${name}"; there are:\n${[...Object.keys(BREAKAGES), ...Object.keys(STORE_BREAKAGES)].map((one) => `  ${one}`).join("\n")}`);
if (isOfStore && state === "memory") refuse(`"${name}" is a mistake in the store: run it with --state store`);

const breakage = isOfStore ? {} : BREAKAGES[name];
const shipped = await shippedWith(breakage?.mutations);
const openState = isOfStore ? await storeWith(STORE_BREAKAGES[name]) : undefined;
const from = wholeNumber("from", 1);
const seeds = wholeNumber("seeds", 1000);
const ticks = wholeNumber("ticks", 500);
const total = {};
let failed = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const result = await run({ seed, ticks, breakage, shipped, ...(state === "store" && { service: createStoreService(openState) }) });
  for (const [what, count] of Object.entries(result.counts)) total[what] = (total[what] ?? 0) + count;
  if (!result.violation) continue;
  failed += 1;
  console.log(`seed ${seed}, tick ${result.tick}: ${result.violation}`);
  if (!flags["keep-going"]) break;
}
const { user, system } = process.cpuUsage();
console.log(`${Object.entries(total).map(([what, count]) => `${count} ${what}`).join(", ")}; ${failed === 0 ? "every promise held" : `${failed} failed`}; ${Math.round((user + system) / 1e6)} s of CPU`);
process.exit(failed === 0 ? 0 : 1);
