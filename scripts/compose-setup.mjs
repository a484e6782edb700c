// The one-shot services of docker-compose.yml. `prepare` writes certificates and configurations into the shared volume before
// the nodes start; `initialise` turns started nodes into an unsealed cluster, and unseals what has been restarted since; `keys`
// shows the root token and the unseal keys.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { api, bringUp, makeCertificates, nodeConfiguration, readCluster, until, writeCluster } from "./cluster-lib.mjs";

const shared = process.env.COFFER_SHARED ?? "/coffer/shared";
/** Apart from what the nodes can read. */
const keysFolder = process.env.COFFER_KEYS ?? "/coffer/keys";
const names = (process.env.COFFER_NODES ?? "node-1,node-2,node-3").split(",");
const nodes = names.map((id) => ({ id, address: `https://${id}:8200`, cluster_address: `https://${id}:8201` }));
const ANSWER_MS = 60_000;

async function prepare() {
  mkdirSync(shared, { recursive: true, mode: 0o700 });
  if (!existsSync(`${shared}/tls/ca.crt`)) await makeCertificates(`${shared}/tls`, [...names, "localhost", "127.0.0.1"]);
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    writeFileSync(`${shared}/${node.id}.hcl`, nodeConfiguration(node, others, "/coffer/data", `${shared}/tls`, { listen: "0.0.0.0" }));
  }
}

async function initialise() {
  const ca = readFileSync(`${shared}/tls/ca.crt`);
  const previous = readCluster(keysFolder);
  const answers = await Promise.all(
    nodes.map((node) => until(`${node.id} answers`, ANSWER_MS, () => api({ address: node.address, ca, path: "sys/seal-status" })).then(() => true, (error) => void console.error(error.message))),
  );
  const reached = nodes.filter((_, i) => answers[i]);
  // A new cluster is made of all its nodes; an old one is helped as far as it answers.
  if (reached.length === 0 || (!previous && reached.length < nodes.length)) return process.exit(1);
  const cluster = { nodes, ca_file: `${shared}/tls/ca.crt`, root_token: previous?.root_token, unseal_keys: previous?.unseal_keys };
  await bringUp(cluster, ca, (text) => console.log(`· ${text}`), (made) => writeCluster(keysFolder, made), reached);
  console.log(`${reached.map(({ id }) => id).join(", ")}: unsealed. Root token and unseal keys: docker-compose run --rm initialise keys`);
  if (reached.length < nodes.length) process.exitCode = 1;
}

function keys() {
  const cluster = readCluster(keysFolder);
  if (!cluster) throw new Error("there are no keys yet: the cluster is not initialised");
  console.log(JSON.stringify({ root_token: cluster.root_token, unseal_keys: cluster.unseal_keys }, null, 2));
}

const phases = { prepare, initialise, keys };
const phase = phases[process.argv[2]];
if (!phase) {
  console.error(`usage: compose-setup.mjs ${Object.keys(phases).join("|")}`);
  process.exit(1);
}
try {
  await phase();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
