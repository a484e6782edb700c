import type { Client } from "../client.js";
import { ApiError } from "../errors.js";

export type KvVersion = {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly metadata: {
    readonly version: number;
    readonly created_time: string;
    readonly deletion_time: string;
    readonly destroyed: boolean;
    readonly custom_metadata: Readonly<Record<string, string>> | null;
  };
};

/** A version of a KV v2 secret; undefined if there is none. A deleted version comes back with `data: null`. */
export async function read(client: Client, mount: string, path: string, version?: number): Promise<KvVersion | undefined> {
  try {
    return (await client.request<KvVersion>("GET", `${mount}/data/${path}`, { query: { version } })).data;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    return error.data?.["metadata"] === undefined ? undefined : (error.data as KvVersion);
  }
}

/** Writes the next version and returns its number. `cas` is the version that must be current (0: none yet). */
export async function write(client: Client, mount: string, path: string, data: Readonly<Record<string, unknown>>, cas?: number): Promise<number> {
  const body = { data, options: cas === undefined ? {} : { cas } };
  return (await client.request<{ version: number }>("PUT", `${mount}/data/${path}`, { body })).data.version;
}

/** Names below a folder; empty if there is nothing. */
export async function list(client: Client, mount: string, path = ""): Promise<readonly string[]> {
  try {
    return (await client.request<{ keys: string[] }>("LIST", `${mount}/metadata/${path}`)).data.keys;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}

/** Marks the latest version as deleted; it can be brought back. */
export async function remove(client: Client, mount: string, path: string): Promise<void> {
  await client.request("DELETE", `${mount}/data/${path}`);
}
