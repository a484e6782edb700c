import type { CompactVerifyGetKey } from "jose";
import { jsonObject, outgoing } from "../outgoing/request.js";
import { keySetFrom, TokenRefused, verifyWithSet } from "../web-tokens/signature.js";
import type { Claims } from "../web-tokens/signature.js";
import type { JwtConfig } from "./storage.js";

/** By what the TLS of a provider is judged. */
export interface Trust {
  /** PEM; empty: the system's authorities. */
  readonly ca: string;
  /** Names that its certificate may be for; empty: the URL's host. */
  readonly serverNames: readonly string[];
}

/** Where a key set is published: itself, or by an issuer, whose discovery document says where (OpenID Connect Discovery 1.0). */
export interface KeySource extends Trust {
  readonly kind: "jwks" | "discovery";
  readonly url: string;
}

export const trustOf = ({ oidc_discovery_ca_pem: ca, override_allowed_server_names: serverNames = [] }: JwtConfig): Trust => ({ ca, serverNames });

/** What a provider says of itself. */
export interface Discovery {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly authorization_endpoint?: string;
  readonly token_endpoint?: string;
  readonly userinfo_endpoint?: string;
  /** RFC 8628. */
  readonly device_authorization_endpoint?: string;
  readonly token_endpoint_auth_methods_supported?: readonly string[];
}

interface Cached<T> {
  /** Milliseconds since 1970. */
  readonly fetchedAt: number;
  readonly value: Promise<T>;
}

/** A key that a provider has withdrawn is trusted this long at most. */
const MAX_AGE_MS = 600_000;
/** A key that is not known is asked for at most this often, however many tokens name one. */
const REFETCH_PAUSE_MS = 5_000;
/** How many providers are remembered, of all mounts. What is remembered says nothing but what the provider publishes. */
const MAX_CACHED = 512;

const sets = new Map<string, Cached<CompactVerifyGetKey>>();
const documents = new Map<string, Cached<Discovery>>();

/** By address, authorities and names: mounts that agree in these may share what was fetched. */
const nameOf = ({ kind, url, ca, serverNames }: KeySource): string => JSON.stringify([kind, url, ca, serverNames]);

function cached<T>(cache: Map<string, Cached<T>>, name: string, now: number, maxAgeMs: number, fetchIt: () => Promise<T>): Cached<T> {
  const found = cache.get(name);
  if (found && now - found.fetchedAt < maxAgeMs) return found;
  const made: Cached<T> = { fetchedAt: now, value: fetchIt() };
  cache.delete(name);
  for (const oldest of cache.keys()) {
    if (cache.size < MAX_CACHED) break;
    cache.delete(oldest);
  }
  cache.set(name, made);
  // What failed is not remembered.
  made.value.catch(() => cache.get(name) === made && cache.delete(name));
  return made;
}

/** The claims of a token that was signed by a key of this source. Throws TokenRefused. `now` in milliseconds. */
export async function verifyFrom(source: KeySource, token: string, algorithms: readonly string[], now: number): Promise<Claims> {
  const known = keysOf(source, now, MAX_AGE_MS);
  try {
    return await verifyWithSet(token, await fetched(known), algorithms);
  } catch (error) {
    if (!(error instanceof TokenRefused && error.mayBeNewKey) || now - known.fetchedAt < REFETCH_PAUSE_MS) throw error;
  }
  return verifyWithSet(token, await fetched(keysOf(source, now, REFETCH_PAUSE_MS)), algorithms);
}

async function fetched({ value }: Cached<CompactVerifyGetKey>): Promise<CompactVerifyGetKey> {
  return value.catch((error: Error) => {
    throw new TokenRefused(`fetching keys oidc: get keys failed: ${error.message}`);
  });
}

function keysOf(source: KeySource, now: number, maxAgeMs: number): Cached<CompactVerifyGetKey> {
  return cached(sets, nameOf(source), now, maxAgeMs, () => fetchKeys(source, now));
}

/** Fetches, whatever is remembered: a configuration is about to be stored. Rejects with why it cannot be used. */
export async function checkKeys(source: KeySource, now: number): Promise<void> {
  documents.delete(nameOf(source));
  sets.delete(nameOf(source));
  await keysOf(source, now, 0).value;
}

async function fetchKeys(source: KeySource, now: number): Promise<CompactVerifyGetKey> {
  const url = source.kind === "jwks" ? source.url : (await discover(source.url, source, now)).jwks_uri;
  const { status, text } = await outgoing({ url, ca: source.ca, serverNames: source.serverNames });
  const set = jsonObject(text);
  if (status !== 200) throw new Error(`${url}: status ${status}`);
  if (!set) throw new Error(`${url}: the answer is no JSON`);
  return keySetFrom(set);
}

/** The provider's own description. Rejects where it cannot be had, or speaks for another issuer. */
export async function discover(issuer: string, { ca, serverNames }: Trust, now: number): Promise<Discovery> {
  return cached(documents, nameOf({ kind: "discovery", url: issuer, ca, serverNames }), now, MAX_AGE_MS, () => fetchDiscovery(issuer, { ca, serverNames })).value;
}

async function fetchDiscovery(issuer: string, trust: Trust): Promise<Discovery> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { status, text } = await outgoing({ url, ...trust });
  // Not what the server says beside: whoever asks for a login may see this.
  if (status !== 200) throw new Error(`${url}: status ${status}`);
  const document = jsonObject(text);
  if (!document) throw new Error("failed to decode OIDC discovery document");
  if (document["issuer"] !== issuer) throw new Error(`issuer did not match the returned issuer, expected ${JSON.stringify(issuer)} got ${JSON.stringify(document["issuer"] ?? "")}`);
  if (typeof document["jwks_uri"] !== "string") throw new Error("OIDC discovery document has no jwks_uri");
  return document as unknown as Discovery;
}
