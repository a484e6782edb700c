import type { Client } from "../client.js";

export type SealStatus = {
  readonly type: string;
  readonly initialized: boolean;
  readonly sealed: boolean;
  readonly t: number;
  readonly n: number;
  readonly progress: number;
  readonly nonce: string;
  readonly version: string;
  readonly build_date: string;
  readonly migration: boolean;
  readonly cluster_name?: string;
  readonly cluster_id?: string;
  readonly recovery_seal: boolean;
  readonly storage_type: string;
};

export type LeaderStatus = {
  readonly ha_enabled: boolean;
  readonly is_self: boolean;
  readonly active_time: string;
  readonly leader_address: string;
  readonly leader_cluster_address: string;
  readonly raft_committed_index?: number;
  readonly raft_applied_index?: number;
};

export type InitResult = {
  readonly keys: readonly string[];
  readonly keys_base64: readonly string[];
  readonly recovery_keys?: readonly string[];
  readonly recovery_keys_base64?: readonly string[];
  readonly root_token: string;
};

export type Health = { readonly initialized: boolean; readonly sealed: boolean; readonly standby: boolean; readonly version: string; readonly cluster_id?: string };

export function sealStatus(client: Client): Promise<SealStatus> {
  return client.request<unknown, SealStatus>("GET", "sys/seal-status");
}

export function leader(client: Client): Promise<LeaderStatus> {
  return client.request<unknown, LeaderStatus>("GET", "sys/leader");
}

/** Every state answers 200 here: the caller asks what the state is, not whether it is the right one. */
export function health(client: Client): Promise<Health> {
  const ok = { standbycode: 200, sealedcode: 200, uninitcode: 200, drsecondarycode: 200, performancestandbycode: 200 };
  return client.request<unknown, Health>("GET", "sys/health", { query: ok });
}

export function init(client: Client, body: Readonly<Record<string, unknown>>): Promise<InitResult> {
  return client.request<unknown, InitResult>("PUT", "sys/init", { body });
}

export function unseal(client: Client, body: { readonly key?: string; readonly reset?: boolean; readonly migrate?: boolean }): Promise<SealStatus> {
  return client.request<unknown, SealStatus>("PUT", "sys/unseal", { body });
}

export async function seal(client: Client): Promise<void> {
  await client.request("PUT", "sys/seal");
}

export async function mount(client: Client, path: string, body: Readonly<Record<string, unknown>>): Promise<void> {
  await client.request("POST", `sys/mounts/${path}`, { body });
}

export async function unmount(client: Client, path: string): Promise<void> {
  await client.request("DELETE", `sys/mounts/${path}`);
}

export async function enableAuth(client: Client, path: string, body: Readonly<Record<string, unknown>>): Promise<void> {
  await client.request("POST", `sys/auth/${path}`, { body });
}

export async function putPolicy(client: Client, name: string, policy: string): Promise<void> {
  await client.request("PUT", `sys/policies/acl/${name}`, { body: { policy } });
}
