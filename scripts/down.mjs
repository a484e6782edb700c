// `npm run down -- [--data DIR]`: ends a cluster that `npm run up -- --detach` started. Its data stays.
import { dataFolder, parseFlags, readCluster, runningNodes, stopAll } from "./cluster-lib.mjs";

const usage = "usage: npm run down -- [--data DIR]";
const data = dataFolder(parseFlags(process.argv.slice(2), { data: "value" }, usage));
if (!readCluster(data)) {
  console.error(`no cluster in ${data} (no cluster.json there); start one with: npm run up`);
  process.exit(1);
}
const pids = runningNodes(data).map((node) => node.pid);
await stopAll(pids);
console.log(pids.length === 0 ? "no node was running" : `stopped ${pids.length} ${pids.length === 1 ? "node" : "nodes"}; the data stays in ${data}`);
