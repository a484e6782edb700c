import { createBatchToken, findTokenByText } from "@coffer/state-machine";
import type { Environment, Mount, ReadStorage, WriteStorage } from "@coffer/state-machine";
import type { Client } from "./client.js";

/** What an access token stands for. */
export interface Access {
  readonly provider: string;
  readonly clientId: string;
  readonly entityId: string;
  readonly scopes: readonly string[];
}

const TYPE = "access token";
const pathOf = ({ fullPath }: Mount, provider: string) => `${fullPath}oidc/provider/${provider}/token`;

/**
 * A batch token without policies and without an entity, so that it may do nothing of what the user may: a client is not the
 * user. Only `userinfo` of its provider looks at what it carries.
 */
export function createAccessToken(storage: WriteStorage, { provider, clientId, entityId, scopes }: Access, { accessTokenTtlSeconds }: Client, mount: Mount): string {
  const meta = { oidc_token_type: TYPE, client_id: clientId, entity_id: entityId, scopes: scopes.join(" ") };
  const token = { parent: "", policies: [], path: pathOf(mount, provider), meta, displayName: "", ttl: accessTokenTtlSeconds, entityId: "", role: "", boundCidrs: [], mountUuid: mount.entry.uuid };
  return createBatchToken(storage, token, mount.env).text;
}

/** Undefined for what is none of this provider. Metadata may be anybody's choice; the mount and the path are not. */
export function readAccessToken(storage: ReadStorage, text: string, provider: string, mount: Mount, env: Environment): Access | undefined {
  const token = findTokenByText(storage, text, env);
  const isAccess = token?.type === "batch" && token.mountUuid === mount.entry.uuid && token.path === pathOf(mount, provider);
  if (!isAccess || token.meta?.["oidc_token_type"] !== TYPE) return undefined;
  const { client_id: clientId = "", entity_id: entityId = "", scopes = "" } = token.meta;
  return { provider, clientId, entityId, scopes: scopes.split(" ").filter((one) => one !== "") };
}
