import type { Client } from "../client.js";
import type { Auth } from "../envelope.js";

/** Makes a child of the client's own token. Fields as in auth/token/create: policies, ttl, period, num_uses, … */
export async function create(client: Client, body: Readonly<Record<string, unknown>> = {}): Promise<Auth> {
  const { auth } = await client.request("POST", "auth/token/create", { body });
  if (auth === null) throw new TypeError("auth/token/create answered without auth (was the answer wrapped?)");
  return auth;
}

export async function lookupSelf(client: Client): Promise<Record<string, unknown>> {
  return (await client.request("GET", "auth/token/lookup-self")).data;
}

export async function revoke(client: Client, token: string): Promise<void> {
  await client.request("PUT", "auth/token/revoke", { body: { token } });
}

export async function revokeSelf(client: Client): Promise<void> {
  await client.request("PUT", "auth/token/revoke-self");
}
