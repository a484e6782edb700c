// `npm run down -- [--data DIR]`: ends a cluster that `npm run up -- --detach` started. Its data stays.
import { dataFolder, isAlive, parseFlags, readCluster, stopAll } from "./cluster-lib.mjs";

const usage = "usage: npm run down -- [--data DIR]";
const data = dataFolder(parseFlags(process.argv.slice(2), { data: "value" }, usage));
const cluster = readCluster(data);
if (!cluster) {
  console.error(`no cluster in ${data} (no cluster.json there); start one with: npm run up`);
  process.exit(1);
}
const pids = cluster.nodes.map((node) => node.pid).filter((pid) => pid && isAlive(pid));
await stopAll(pids);
console.log(pids.length === 0 ? "no node was running" : `stopped ${pids.length} nodes; the data stays in ${data}`);
