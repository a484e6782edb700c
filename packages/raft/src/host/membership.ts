import type { RaftCore } from "../core/api.js";
import type { Configuration, LogIndex, NodeId, Server, Term } from "../core/types.js";
import type { MembershipResult } from "./api.js";
import { pause } from "./surroundings.js";
import type { Surroundings } from "./surroundings.js";

const CATCH_UP_POLL_MS = 20;
const CATCH_UP_TIMEOUT_MS = 120_000;
/** How long a change waits for the one before it. */
const CHANGE_RETRY_MS = 20;
const CHANGE_TIMEOUT_MS = 10_000;

export interface MembershipPort extends Pick<Surroundings, "now" | "after"> {
  readonly core: RaftCore;
  /** Proposes and resolves once applied here, or once it is known that it never will be, or that this cannot be known. */
  propose(configuration: Configuration): Promise<{ ok: true; index: LogIndex } | { ok: false; reason: "not-leader" | "change-in-progress" | "unknown" }>;
}

async function change(port: MembershipPort, edit: (servers: readonly Server[]) => readonly Server[] | undefined): Promise<MembershipResult> {
  const deadline = port.now() + CHANGE_TIMEOUT_MS;
  let begun = false;
  for (;;) {
    const { role, configuration, configurationIndex, appliedIndex } = port.core.status();
    const servers = edit(configuration.servers);
    const isDone = !servers && !configuration.outgoing && appliedIndex >= configurationIndex;
    // A change of several servers may have removed this one, which then leads no more.
    if (role !== "leader" && !(isDone && begun)) return { ok: false, reason: "not-leader", message: "this node does not lead" };
    // Nothing to do, once what is in force cannot be cut off again.
    if (isDone) return { ok: true, index: configurationIndex };
    if (servers && !servers.some((server) => server.voter)) return { ok: false, reason: "last-voter", message: "the last voter cannot be removed" };
    const result = servers ? await port.propose({ servers }) : ({ ok: false, reason: "change-in-progress" } as const);
    begun ||= result.ok;
    // Where that began a joint configuration, the change is done when the leader has ended it.
    if (result.ok && !port.core.status().configuration.outgoing) return result;
    if (result.ok) continue;
    if (result.reason === "not-leader") return { ok: false, reason: "not-leader", message: "this node does not lead" };
    if (result.reason === "unknown") return { ok: false, reason: "timeout", message: "leadership was lost; whether the change was made is not known here" };
    if (port.now() > deadline) return { ok: false, reason: "change-in-progress", message: "another membership change has not finished" };
    await pause(port, CHANGE_RETRY_MS);
  }
}

/** First as a learner, so that a server without the log never counts towards a quorum; then, caught up, as a voter. */
export async function addServer(port: MembershipPort, server: Server): Promise<MembershipResult> {
  const existing = port.core.status().configuration.servers.find(({ id }) => id === server.id);
  if (existing && existing.address !== server.address) {
    return { ok: false, reason: "id-in-use", message: `a server ${server.id} is already part of the cluster, at ${existing.address}: remove it first` };
  }
  const added = await change(port, (servers) => (servers.some(({ id }) => id === server.id) ? undefined : [...servers, { ...server, voter: false }]));
  if (!added.ok || !server.voter || existing?.voter) return added;
  const caughtUp = await waitForCatchUp(port, server.id);
  if (!caughtUp.ok) return caughtUp;
  return change(port, (servers) => {
    const found = servers.find(({ id }) => id === server.id);
    if (!found || found.voter) return undefined;
    return servers.map((one) => (one.id === server.id ? { ...one, voter: true } : one));
  });
}

async function waitForCatchUp(port: MembershipPort, id: NodeId): Promise<MembershipResult> {
  const deadline = port.now() + CATCH_UP_TIMEOUT_MS;
  let term: Term | undefined;
  /** Where the log ended a poll ago: who has reached that is behind by no more than this moment's writes. */
  let endBefore = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const status = port.core.status();
    term ??= status.term;
    if (status.role !== "leader" || status.term !== term) return { ok: false, reason: "not-leader", message: "leadership was lost while the new server caught up" };
    const peer = status.peers.find((one) => one.id === id);
    if (!peer) return { ok: false, reason: "unknown-server", message: `${id} was removed while it caught up` };
    if (peer.matchIndex >= endBefore) return { ok: true, index: peer.matchIndex };
    endBefore = status.lastIndex;
    if (port.now() > deadline) return { ok: false, reason: "timeout", message: `${id} did not catch up within ${CATCH_UP_TIMEOUT_MS / 1000} s; it stays a non-voter` };
    await pause(port, CATCH_UP_POLL_MS);
  }
}

export async function removeServer(port: MembershipPort, id: NodeId): Promise<MembershipResult> {
  const { servers } = port.core.status().configuration;
  if (!servers.some((server) => server.id === id)) return { ok: false, reason: "unknown-server", message: `no server ${id} in the cluster` };
  return change(port, (current) => (current.some((server) => server.id === id) ? current.filter((server) => server.id !== id) : undefined));
}

/** Takes a server its vote; it goes on receiving the log. Not the leader, whose place somebody else would have to take first. */
export async function demoteServer(port: MembershipPort, id: NodeId, self: NodeId): Promise<MembershipResult> {
  const found = port.core.status().configuration.servers.find((server) => server.id === id);
  if (!found) return { ok: false, reason: "unknown-server", message: `no server ${id} in the cluster` };
  if (id === self) return { ok: false, reason: "leads", message: `${id} leads the cluster: let another one take over first` };
  return change(port, (servers) => (servers.some((server) => server.id === id && server.voter) ? servers.map((server) => (server.id === id ? { ...server, voter: false } : server)) : undefined));
}

/** Any other set of servers, by one change: safe and available throughout, whatever the difference. New voters must be learners that have caught up. */
export async function changeServers(port: MembershipPort, servers: readonly Server[]): Promise<MembershipResult> {
  const twice = servers.find(({ id }, at) => servers.findIndex((one) => one.id === id) !== at);
  if (twice) return { ok: false, reason: "id-in-use", message: `${twice.id} is named twice` };
  const known = port.core.status().configuration.servers;
  const stranger = servers.find(({ id, voter }) => voter && !known.some((one) => one.id === id));
  if (stranger) return { ok: false, reason: "unknown-server", message: `${stranger.id} is not part of the cluster: add it as a non-voter first, and let it catch up` };
  const isSame = (one: Server) => servers.some(({ id, address, voter }) => id === one.id && address === one.address && voter === one.voter);
  return change(port, (current) => (current.length === servers.length && current.every(isSame) ? undefined : servers));
}
