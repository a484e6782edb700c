import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { BlockReader, BodyReader } from "@coffer/hcl";
import type { RetryJoin, Storage } from "./types.js";

export function readStorage(blocks: readonly BlockReader[], environment: Readonly<Record<string, string | undefined>>): Storage {
  const [block, second] = blocks;
  if (!block) throw new Error('the configuration has no storage: add storage "raft" { path = "/opt/coffer/data" }');
  const { labels, body } = block;
  if (second) second.body.fail("path", "one storage block is enough");
  const type = labels[0] ?? "";
  if (type === "inmem") return { type };
  if (type !== "raft") return body.fail("path", `storage ${JSON.stringify(type)} is not known; this version has "raft" and "inmem"`);
  const path = environment["VAULT_RAFT_PATH"] ?? body.string("path");
  if (path === undefined || path === "") return body.fail("path", "storage \"raft\" needs a path");
  const multiplier = body.int("performance_multiplier") ?? 1;
  if (multiplier < 0 || multiplier > 10) body.fail("performance_multiplier", "performance_multiplier is between 1 and 10");
  const [autopilot] = [...body.blocks("autopilot")];
  const storage: Storage = {
    type,
    path,
    nodeId: environment["VAULT_RAFT_NODE_ID"] ?? body.string("node_id") ?? hostname(),
    performanceMultiplier: Math.max(1, multiplier),
    trailingLogs: positive(body, "trailing_logs"),
    snapshotThreshold: positive(body, "snapshot_threshold"),
    retryJoin: body.blocks("retry_join").map(({ body: join }) => readRetryJoin(join)),
    autopilot: autopilot ? readAutopilot(autopilot.body) : {},
  };
  body.ignore("path", "node_id", "max_entry_size", "snapshot_interval", "autopilot_reconcile_interval", "autopilot_update_interval", "retry_join_as_non_voter", "raft_log_verifier_enabled", "raft_wal");
  body.end();
  return storage;
}

function positive(body: BodyReader, name: string): number | undefined {
  const value = body.int(name);
  return value === undefined || value > 0 ? value : body.fail(name, `${name} must be positive`);
}

function readAutopilot(body: BodyReader): Record<string, number | boolean> {
  const read = {
    cleanup_dead_servers: body.bool("cleanup_dead_servers"),
    last_contact_threshold: body.durationSeconds("last_contact_threshold"),
    dead_server_last_contact_threshold: body.durationSeconds("dead_server_last_contact_threshold"),
    max_trailing_logs: body.int("max_trailing_logs"),
    min_quorum: body.int("min_quorum"),
    server_stabilization_time: body.durationSeconds("server_stabilization_time"),
    disable_upgrade_migration: body.bool("disable_upgrade_migration"),
  };
  body.end();
  return Object.fromEntries(Object.entries(read).filter((pair): pair is [string, number | boolean] => pair[1] !== undefined));
}

function readRetryJoin(body: BodyReader): RetryJoin {
  if (body.string("auto_join") !== undefined) body.fail("auto_join", "cloud auto-join is not built; list the nodes by leader_api_addr");
  body.ignore("auto_join_scheme", "auto_join_port");
  const address = body.string("leader_api_addr");
  if (!address) return body.fail("leader_api_addr", "retry_join needs leader_api_addr");
  const join: RetryJoin = {
    leaderApiAddress: address,
    caCertificate: pem(body, "leader_ca_cert"),
    clientCertificate: pem(body, "leader_client_cert"),
    clientKey: pem(body, "leader_client_key"),
    tlsServerName: body.string("leader_tls_servername"),
  };
  body.end();
  return join;
}

/** Inline PEM, or a file of it under the name with `_file`. */
function pem(body: BodyReader, name: string): string | undefined {
  const inline = body.string(name);
  const file = body.string(`${name}_file`);
  if (inline) return inline;
  if (!file) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch {
    return body.fail(`${name}_file`, `cannot read ${file}`);
  }
}
