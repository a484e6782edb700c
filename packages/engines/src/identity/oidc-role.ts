import { jsonCodec } from "@coffer/state-machine";
import type { ReadStorage, WriteStorage } from "@coffer/state-machine";

/** What identity tokens are made by, below `core/`: `identity/oidc/role/<name>`, and `identity/oidc/config`. */
export interface OidcRole {
  readonly name: string;
  readonly key: string;
  readonly clientId: string;
  readonly ttlSeconds: number;
  readonly template: string;
}

export const ROLES = "identity/oidc/role/";
const CONFIG = "identity/oidc/config";
const codec = jsonCodec<OidcRole>();
const configCodec = jsonCodec<{ readonly issuer: string }>();

export function getRole(storage: ReadStorage, name: string): OidcRole | undefined {
  return storage.get(ROLES + name, codec);
}

export function putRole(storage: WriteStorage, role: OidcRole): void {
  storage.put(ROLES + role.name, codec, role);
}

export async function rolesOfKey(storage: ReadStorage, key: string): Promise<OidcRole[]> {
  return (await storage.list(ROLES)).flatMap((name) => getRole(storage, name) ?? []).filter((role) => role.key === key);
}

export function configuredIssuer(storage: ReadStorage): string {
  return storage.get(CONFIG, configCodec)?.issuer ?? "";
}

export function putIssuer(storage: WriteStorage, issuer: string): void {
  storage.put(CONFIG, configCodec, { issuer });
}

/** What identity/ uses of its node. */
export interface IdentityServices {
  /** The address that clients reach the cluster at: scheme, host and port; empty where it is not known. */
  readonly apiAddress: () => string;
}

export function issuerOf(storage: ReadStorage, services: IdentityServices | undefined): string {
  const base = configuredIssuer(storage) || (services?.apiAddress() ?? "");
  return base === "" ? "" : `${base.replace(/\/$/, "")}/v1/identity/oidc`;
}
