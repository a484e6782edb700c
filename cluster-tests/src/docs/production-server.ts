import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@coffer/counterparts";
import { writeCertificates } from "../harness/cluster.js";
import { COFFER } from "../harness/node-process.js";
import { until } from "../harness/until.js";

export interface ProductionServer {
  readonly address: string;
  /** vault.hcl, audit.log, tls/, data/. */
  readonly folder: string;
  readonly caFile: string;
  start(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal's name. */
  end(signal: NodeJS.Signals): Promise<number | string>;
  log(): string;
  clear(): void;
}

const UP_MS = 60_000;

/**
 * A node of a production cluster of three, of which the other two are not there: TLS 1.3, Raft, telemetry, an audit device. `seal`
 * is a block of HCL, and `env` what it reads.
 */
export async function createProductionServer(seal = "", env: Readonly<Record<string, string>> = {}): Promise<ProductionServer> {
  const folder = mkdtempSync(join(tmpdir(), "coffer-production-"));
  const at = (name: string) => join(folder, name);
  mkdirSync(at("data"), { mode: 0o700 });
  const ca = await writeCertificates(at("tls"));
  const [apiPort, clusterPort] = await freePorts(2);
  const address = `https://127.0.0.1:${apiPort}`;
  writeFileSync(at("vault.hcl"), configuration({ folder, apiPort: apiPort!, clusterPort: clusterPort!, seal }));
  let child: ReturnType<typeof spawn> | undefined;
  const answers = async () => {
    const asked = request(`${address}/v1/sys/seal-status`, { ca }).end();
    const [answer] = (await once(asked, "response")) as [{ statusCode?: number; resume(): void }];
    answer.resume();
    return answer.statusCode === 200;
  };
  const log = () => readFileSync(at("node.log"), "utf8");
  return {
    address,
    folder,
    caFile: at("tls/ca.crt"),
    async start() {
      const output = openSync(at("node.log"), "a");
      const started = spawn(process.execPath, [COFFER, "server", `-config=${at("vault.hcl")}`], { cwd: folder, env: { ...process.env, ...env }, stdio: ["ignore", output, output] });
      child = started;
      await until("the server answers", UP_MS, () => {
        if (started.exitCode !== null) throw new Error(`the server ended\n${log()}`);
        return answers();
      });
    },
    signal: (signal) => void child?.kill(signal),
    async end(signal) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return "not running";
      const gone = once(child, "exit") as Promise<[number | null, string | null]>;
      child.kill(signal);
      const [code, by] = await gone;
      return code ?? by!;
    },
    log,
    clear: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function configuration({ folder, apiPort, clusterPort, seal }: { folder: string; apiPort: number; clusterPort: number; seal: string }): string {
  return `listener "tcp" {
  address = "0.0.0.0:${apiPort}"
  cluster_address = "127.0.0.1:${clusterPort}"
  tls_cert_file = "${folder}/tls/api.crt"
  tls_key_file = "${folder}/tls/api.key"
  tls_min_version = "1.3"
  tls_disable_client_certs = false
}
storage "raft" {
  path = "${folder}/data"
  node_id = "vault-node-1"
  retry_join {
    leader_api_addr = "https://vault-node-2.invalid:8200"
    leader_ca_cert_file = "${folder}/tls/ca.crt"
  }
  retry_join {
    leader_api_addr = "https://vault-node-3.invalid:8200"
    leader_ca_cert_file = "${folder}/tls/ca.crt"
  }
  performance_multiplier = 1
  autopilot {
    cleanup_dead_servers = true
    last_contact_threshold = "10s"
    max_trailing_logs = 1000
    min_quorum = 3
    server_stabilization_time = "10s"
  }
}
${seal}
telemetry {
  prometheus_retention_time = "30s"
  disable_hostname = false
  enable_hostname_label = true
}
audit_device "file" {
  path = "${folder}/audit.log"
  log_raw = false
  hmac_accessor = true
}
api_addr = "https://127.0.0.1:${apiPort}"
cluster_addr = "https://127.0.0.1:${clusterPort}"
cluster_name = "production-vault"
default_lease_ttl = "768h"
max_lease_ttl = "8760h"
disable_mlock = false
ui = true
log_level = "info"
`;
}
