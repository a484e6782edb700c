import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { BlockReader, BodyReader } from "@coffer/hcl";
import { ConfigurationError, variable } from "./environment.js";
import type { Environment } from "./environment.js";
import { noEffectWarnings, RAFT_HARMLESS, RAFT_NO_EFFECT } from "./no-effect.js";
import { isSole, readSoleStorage, SOLE_TYPES } from "./sole-storage.js";
import type { RetryJoin, Storage } from "./types.js";

const MAX_MULTIPLIER = 10;

/** Adds to `warnings` what has no effect. */
export function readStorage(blocks: readonly BlockReader[], environment: Environment, warnings: string[]): Storage {
  const [block, second] = blocks;
  if (!block) throw new ConfigurationError('the configuration has no storage: add storage "raft" { path = "/opt/coffer/data" }');
  if (second) second.fail("one storage block is enough");
  const { labels, body } = block;
  const type = labels[0] ?? "";
  if (labels.length === 1 && isSole(type)) return readSoleStorage(type, block, environment, warnings);
  if (type !== "raft" || labels.length > 1) return block.fail(`storage ${labels.map((label) => JSON.stringify(label)).join(" ")} is not known; this version has "raft", ${SOLE_TYPES.map((one) => `"${one}"`).join(", ")}`);
  const path = variable(environment, "VAULT_RAFT_PATH") ?? body.string("path");
  if (!path) return block.fail('storage "raft" needs path, the folder of this node\'s data');
  const [autopilot, another] = body.blocks("autopilot");
  another?.fail("one autopilot block is enough");
  const storage: Storage = {
    type,
    path,
    nodeId: variable(environment, "VAULT_RAFT_NODE_ID") || body.string("node_id") || hostname(),
    performanceMultiplier: readMultiplier(body),
    readLease: body.bool("read_lease") ?? false,
    trailingLogs: positive(body, "trailing_logs"),
    snapshotThreshold: positive(body, "snapshot_threshold"),
    retryJoin: body.blocks("retry_join").map(readRetryJoin),
    retryJoinAsNonVoter: readNonVoter(body, environment),
    autopilot: autopilot ? readAutopilot(autopilot.body) : {},
  };
  // Read above only where the environment does not override them.
  body.ignore("path", "node_id", "retry_join_as_non_voter", ...RAFT_HARMLESS);
  warnings.push(...noEffectWarnings(body, RAFT_NO_EFFECT));
  body.end();
  return storage;
}

function readNonVoter(body: BodyReader, environment: Environment): boolean {
  const text = variable(environment, "VAULT_RAFT_RETRY_JOIN_AS_NON_VOTER");
  if (text === undefined || text === "") return body.bool("retry_join_as_non_voter") ?? false;
  if (!/^(true|false|1|0)$/i.test(text)) throw new ConfigurationError(`VAULT_RAFT_RETRY_JOIN_AS_NON_VOTER is true or false, not ${JSON.stringify(text)}`);
  return /^(true|1)$/i.test(text);
}

/** Zero is Vault's way to write the default. */
function readMultiplier(body: BodyReader): number {
  const multiplier = body.int("performance_multiplier") ?? 0;
  if (multiplier < 0 || multiplier > MAX_MULTIPLIER) body.fail("performance_multiplier", `performance_multiplier is between 1 and ${MAX_MULTIPLIER}`);
  return Math.max(1, multiplier);
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
    max_trailing_logs: positive(body, "max_trailing_logs"),
    min_quorum: positive(body, "min_quorum"),
    server_stabilization_time: body.durationSeconds("server_stabilization_time"),
    disable_upgrade_migration: body.bool("disable_upgrade_migration"),
  };
  body.end();
  return Object.fromEntries(Object.entries(read).filter((pair): pair is [string, number | boolean] => pair[1] !== undefined));
}

function readRetryJoin({ body, fail }: BlockReader): RetryJoin {
  for (const name of ["auto_join", "auto_join_scheme", "auto_join_port"]) if (body.string(name)) body.fail(name, "cloud auto-join is not built; list the nodes by leader_api_addr");
  const address = body.string("leader_api_addr");
  if (!address) return fail('retry_join needs leader_api_addr, such as "https://node-2.internal:8200"');
  if (!/^https?:\/\/[^/]/.test(address) || !URL.canParse(address)) body.fail("leader_api_addr", `leader_api_addr takes a URL such as "https://node-2.internal:8200", not ${JSON.stringify(address)}`);
  const join: RetryJoin = {
    leaderApiAddress: address,
    caCertificate: pem(body, "leader_ca_cert"),
    clientCertificate: pem(body, "leader_client_cert"),
    clientKey: pem(body, "leader_client_key"),
    tlsServerName: body.string("leader_tls_servername") || undefined,
  };
  body.end();
  if ((join.clientCertificate === undefined) !== (join.clientKey === undefined)) fail("leader_client_cert and leader_client_key go together");
  return join;
}

/** Inline PEM, or a file of it under the name with `_file`. Read now: a node that cannot join should not find out later. */
function pem(body: BodyReader, name: string): string | undefined {
  const inline = body.string(name);
  const file = body.string(`${name}_file`);
  if (inline && file) body.fail(`${name}_file`, `${name} and ${name}_file are the same thing; give one`);
  const text = inline || (file && contents(body, `${name}_file`, file));
  if (!text) return undefined;
  if (!text.includes("-----BEGIN ")) body.fail(inline ? name : `${name}_file`, inline ? `${name} takes PEM text; a file goes to ${name}_file` : `${file} holds no PEM text`);
  return text;
}

function contents(body: BodyReader, name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    return body.fail(name, `cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`);
  }
}
