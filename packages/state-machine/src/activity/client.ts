import { createHash } from "node:crypto";

/** Somebody who used the service in a month: an entity, or all tokens without one that have the same policies, as Vault counts. */
export interface Client {
  /** Of the entity; else a hash of the policies. */
  readonly id: string;
  readonly kind: ClientKind;
  /** Of the auth mount that its token came from; empty: auth/token. */
  readonly mountUuid: string;
  /** When it was first seen in its month; milliseconds since 1970. */
  readonly firstMs: number;
}

export type ClientKind = "entity" | "non-entity-token";

/** What is asked of a token. */
export interface Bearer {
  readonly entityId: string;
  readonly policies: readonly string[];
  readonly mountUuid: string;
}

/** Undefined for who is not counted: root tokens and wrapping tokens. */
export function clientOf({ entityId, policies, mountUuid }: Bearer, firstMs: number): Client | undefined {
  if (policies.includes("root") || policies[0] === "response-wrapping") return undefined;
  if (entityId !== "") return { id: entityId, kind: "entity", mountUuid, firstMs };
  const id = createHash("sha256").update([...policies].sort().join("\u001f")).digest("base64url");
  return { id, kind: "non-entity-token", mountUuid, firstMs };
}
