import { createHash, timingSafeEqual } from "node:crypto";
import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";

/**
 * Applications that log users in here, below `core/`: `identity/oidc/client/<name>`, and `identity/oidc/client-id/<id>`, which
 * leads to the name.
 */
export interface Client {
  readonly name: string;
  readonly clientId: string;
  /** Null for a public client, which can keep none. */
  readonly clientSecret: string | null;
  readonly key: string;
  readonly redirectUris: readonly string[];
  /** Who may log in to it. */
  readonly assignments: readonly string[];
  readonly idTokenTtlSeconds: number;
  readonly accessTokenTtlSeconds: number;
}

export const CLIENTS = "identity/oidc/client/";
const idKey = (clientId: string) => `identity/oidc/client-id/${clientId}`;
const codec = jsonCodec<Client>();
const nameCodec = jsonCodec<{ readonly name: string }>();

export function getClient(storage: ReadStorage, name: string): Client | undefined {
  return storage.get(CLIENTS + name, codec);
}

export function clientById(storage: ReadStorage, clientId: string): Client | undefined {
  const found = clientId === "" ? undefined : storage.get(idKey(clientId), nameCodec);
  return found && getClient(storage, found.name);
}

export function putClient(storage: WriteStorage, client: Client): void {
  storage.put(CLIENTS + client.name, codec, client);
  storage.put(idKey(client.clientId), nameCodec, { name: client.name });
}

export function deleteClient(storage: WriteStorage, { name, clientId }: Client): void {
  storage.delete(CLIENTS + name);
  storage.delete(idKey(clientId));
}

/** By name. */
export async function everyClient(storage: ReadStorage): Promise<Client[]> {
  return (await storage.list(CLIENTS)).flatMap((name) => getClient(storage, name) ?? []);
}

export async function clientsOfKey(storage: ReadStorage, key: string): Promise<Client[]> {
  return (await everyClient(storage)).filter((client) => client.key === key);
}

const digest = (text: string) => createHash("sha256").update(text).digest();

export function isSecretOf({ clientSecret }: Client, shown: string): boolean {
  return clientSecret !== null && timingSafeEqual(digest(clientSecret), digest(shown));
}

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Exactly one of the client's; on the loopback interface the port does not count (RFC 8252, 7.3). */
export function isRedirectOf({ redirectUris }: Client, uri: string): boolean {
  const asked = onLoopback(uri);
  return asked === undefined ? redirectUris.includes(uri) : redirectUris.some((one) => onLoopback(one) === asked);
}

/** Without its port; undefined for what is elsewhere. */
function onLoopback(uri: string): string | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url || !LOOPBACK.includes(url.hostname)) return undefined;
  url.port = "";
  return url.href;
}
