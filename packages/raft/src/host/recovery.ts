import { existsSync, readFileSync, rmSync, closeSync, fsyncSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeConfiguration } from "../core/configuration.js";
import type { Configuration, LogIndex, NodeId, Server, Term } from "../core/types.js";
import type { DurableLog } from "../log/durable-log.js";
import type { RaftLogger } from "./api.js";

/** peers.json cannot be used; nothing was changed, and the file is still there. */
export class RecoveryError extends Error {
  override readonly name = "RecoveryError";
}

/** Where Vault has it: below the data folder. */
export function recoveryFile(directory: string): string {
  return join(directory, "raft", "peers.json");
}

/** The servers that peers.json names: `[{"id": "node1", "address": "10.0.0.1:8201", "non_voter": false}]`. */
export function readPeers(path: string): readonly Server[] {
  const bad = (what: string) => new RecoveryError(`${path} cannot be used: ${what}`);
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw bad((error as Error).message);
  }
  if (!Array.isArray(found)) throw bad("it is not a JSON array of servers");
  const servers = found.map((item: unknown, at): Server => {
    const { id, address, non_voter: nonVoter = false } = (typeof item === "object" && item !== null ? item : {}) as Record<string, unknown>;
    if (typeof id !== "string" || id === "") throw bad(`server ${at + 1} has no id`);
    if (typeof address !== "string" || !/^(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/.test(address)) throw bad(`server ${id} has no address as host:port`);
    if (typeof nonVoter !== "boolean") throw bad(`non_voter of server ${id} is true or false`);
    return { id, address, voter: !nonVoter };
  });
  for (const key of ["id", "address"] as const) {
    const twice = servers.find((server, at) => servers.findIndex((other) => other[key] === server[key]) !== at);
    if (twice) throw bad(`two servers have the ${key} ${twice[key]}`);
  }
  if (!servers.some((server) => server.voter)) throw bad("none of its servers votes");
  return servers;
}

/**
 * After a majority was lost for good: whoever finds the file takes its servers for the cluster's, as if that had been agreed,
 * and all that its own log holds for committed. The file is gone once the log has it. True when that was done.
 *
 * The entry has a term in which no other server of the file writes one: terms of server k, modulo their number, are k. Else
 * two logs might hold entries of one index and term with different ones before them, and take each other for equal.
 */
export async function recoverFromPeers(log: DurableLog, directory: string, self: NodeId, logger: RaftLogger): Promise<boolean> {
  const path = recoveryFile(directory);
  if (!existsSync(path)) return false;
  const servers = readPeers(path);
  const position = servers.findIndex(({ id }) => id === self);
  if (position < 0) throw new RecoveryError(`${path} cannot be used: it does not name this node, ${self}`);
  const at = await takeServers(log, servers, position);
  rmSync(path);
  syncFolder(dirname(path));
  logger.log("warn", "took the cluster's servers from peers.json; what the lost ones alone had acknowledged is gone", { ...at, servers: servers.map(({ id }) => id) });
  return true;
}

/**
 * Makes this server the cluster's only one, unless it is that already. What the others had acknowledged and this one never got
 * is gone for it, so none of them may take part again with the log that it has. True when that was done.
 */
export async function standAlone(log: DurableLog, directory: string, self: Server, configuration: Configuration, logger: RaftLogger): Promise<boolean> {
  const path = recoveryFile(directory);
  if (existsSync(path)) throw new RecoveryError(`${path} names servers for the next start, and this start makes this node the only one: remove it first`);
  const [only, ...others] = configuration.servers;
  if (only?.id === self.id && only.voter && others.length === 0 && !configuration.outgoing) return false;
  const at = await takeServers(log, [self], 0);
  logger.log("warn", "this node is a cluster of its own from now on; the others have to join it anew, with empty data folders", { ...at, without: configuration.servers.flatMap(({ id }) => (id === self.id ? [] : id)) });
  return true;
}

async function takeServers(log: DurableLog, servers: readonly Server[], position: number): Promise<{ readonly index: LogIndex; readonly term: Term }> {
  const term = nextTermOf(position, servers.length, Math.max(log.hardState.term, log.term(log.lastIndex()) ?? 0));
  const index = log.lastIndex() + 1;
  const entry = { index, term, kind: "config", data: encodeConfiguration({ servers }) } as const;
  await log.write({ hardState: { term, vote: servers[position]!.id, commit: log.hardState.commit }, entries: [entry] });
  return { index, term };
}

function nextTermOf(position: number, count: number, after: Term): Term {
  const next = after - (after % count) + position;
  return next > after ? next : next + count;
}

function syncFolder(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
