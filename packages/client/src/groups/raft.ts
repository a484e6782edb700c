import type { Readable } from "node:stream";
import type { Client } from "../client.js";

export type RaftServer = { readonly node_id: string; readonly address: string; readonly leader: boolean; readonly protocol_version: string; readonly voter: boolean };

export async function configuration(client: Client): Promise<{ readonly servers: readonly RaftServer[]; readonly index: number }> {
  const { data } = await client.request<{ config: { servers: RaftServer[]; index: number } }>("GET", "sys/storage/raft/configuration");
  return data.config;
}

export async function join(client: Client, body: Readonly<Record<string, unknown>>): Promise<{ readonly joined: boolean }> {
  return client.request<unknown, { joined: boolean }>("POST", "sys/storage/raft/join", { body });
}

export async function removePeer(client: Client, serverId: string): Promise<void> {
  await client.request("POST", "sys/storage/raft/remove-peer", { body: { server_id: serverId } });
}

export async function letVote(client: Client, serverId: string, votes: boolean): Promise<void> {
  await client.request("POST", `sys/storage/raft/${votes ? "promote" : "demote"}`, { body: { server_id: serverId } });
}

/** The snapshot file as a stream of bytes (gzip of tar). */
export async function saveSnapshot(client: Client): Promise<Readable> {
  return (await client.stream("GET", "sys/storage/raft/snapshot")).body;
}

/** Replaces everything the cluster holds. `force` skips the check that the snapshot is from this cluster. */
export async function restoreSnapshot(client: Client, open: () => Readable, force = false): Promise<void> {
  await client.send("POST", force ? "sys/storage/raft/snapshot-force" : "sys/storage/raft/snapshot", {
    rawBody: open,
    headers: { "Content-Type": "application/octet-stream" },
    maxRetries: 0,
    timeoutMs: 0,
  });
}
