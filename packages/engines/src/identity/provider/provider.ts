import { jsonCodec } from "@coffer/state-machine";
import type { Mount, ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { IdentityServices } from "../oidc-role.js";

/** An OpenID provider, below `core/`: `identity/oidc/provider/<name>`. */
export interface Provider {
  readonly name: string;
  /** Scheme, host and port; empty: the address that clients reach the cluster at. */
  readonly issuer: string;
  /** `*` is everybody. */
  readonly allowedClientIds: readonly string[];
  readonly scopes: readonly string[];
}

export const PROVIDERS = "identity/oidc/provider/";
export const DEFAULT_PROVIDER = "default";
const UNCHANGED_DEFAULT: Provider = Object.freeze({ name: DEFAULT_PROVIDER, issuer: "", allowedClientIds: ["*"], scopes: [] });
const codec = jsonCodec<Provider>();

/** The default one is there always. */
export function getProvider(storage: ReadStorage, name: string): Provider | undefined {
  return storage.get(PROVIDERS + name, codec) ?? (name === DEFAULT_PROVIDER ? UNCHANGED_DEFAULT : undefined);
}

export function putProvider(storage: WriteStorage, provider: Provider): void {
  storage.put(PROVIDERS + provider.name, codec, provider);
}

/** By name. */
export async function everyProvider(storage: ReadStorage): Promise<Provider[]> {
  const names = new Set([DEFAULT_PROVIDER, ...(await storage.list(PROVIDERS))]);
  return [...names].sort().flatMap((name) => getProvider(storage, name) ?? []);
}

export function allows({ allowedClientIds }: Pick<Provider, "allowedClientIds">, clientId: string): boolean {
  return allowedClientIds.includes("*") || allowedClientIds.includes(clientId);
}

/** What `iss` says. */
export function issuerOfProvider({ name, issuer }: Provider, { services, fullPath }: Mount): string {
  const base = issuer || ((services as IdentityServices | undefined)?.apiAddress() ?? "");
  return `${base.replace(/\/$/, "")}/v1/${fullPath}oidc/provider/${name}`;
}
