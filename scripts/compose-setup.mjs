// The two one-shot services of docker-compose.yml. `prepare` writes certificates and configurations into the shared volume
// before the nodes start; `initialise` turns the started nodes into an unsealed cluster.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { api, bringUp, makeCertificates, nodeConfiguration, readCluster, until, writeCluster } from "./cluster-lib.mjs";

const folder = process.env.COFFER_SHARED ?? "/coffer/shared";
const names = (process.env.COFFER_NODES ?? "node-1,node-2,node-3").split(",");
const nodes = names.map((id) => ({ id, address: `https://${id}:8200`, cluster_address: `https://${id}:8201` }));

async function prepare() {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(`${folder}/tls/ca.crt`)) await makeCertificates(`${folder}/tls`, [...names, "localhost", "127.0.0.1"]);
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    writeFileSync(`${folder}/${node.id}.hcl`, nodeConfiguration(node, others, "/coffer/data", `${folder}/tls`, "0.0.0.0"));
  }
}

async function initialise() {
  const ca = readFileSync(`${folder}/tls/ca.crt`);
  for (const node of nodes) await until(`${node.id} answers`, 60_000, () => api({ address: node.address, ca, path: "sys/seal-status" }));
  const previous = readCluster(folder);
  const cluster = { nodes, ca_file: `${folder}/tls/ca.crt`, root_token: previous?.root_token, unseal_keys: previous?.unseal_keys };
  await bringUp(cluster, ca, (text) => console.log(`· ${text}`), (made) => writeCluster(folder, made));
  console.log(`the cluster serves; keys and root token: ${folder}/cluster.json`);
}

const phases = { prepare, initialise };
const phase = phases[process.argv[2]];
if (!phase) {
  console.error("usage: compose-setup.mjs prepare|initialise");
  process.exit(1);
}
await phase();
