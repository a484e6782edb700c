import { jsonCodec } from "@coffer/state-machine";
import type { Identity, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { fillTemplate } from "../oidc-template.js";

/** Claims that a client may ask for by a name, below `core/`: `identity/oidc/scope/<name>`. */
export interface Scope {
  readonly name: string;
  readonly template: string;
  readonly description: string;
}

export const SCOPES = "identity/oidc/scope/";
/** Makes a request one of OpenID Connect; adds no claims. */
export const OPENID = "openid";
const codec = jsonCodec<Scope>();

export function getScope(storage: ReadStorage, name: string): Scope | undefined {
  return storage.get(SCOPES + name, codec);
}

export function putScope(storage: WriteStorage, scope: Scope): void {
  storage.put(SCOPES + scope.name, codec, scope);
}

type Claims = Readonly<Record<string, unknown>>;

/** What the scopes say of somebody, or why they cannot: two may not speak of the same claim. Those that are gone say nothing. */
export function claimsOf(storage: ReadStorage, names: readonly string[], identity: Identity, nowMs: number): { readonly claims: Claims } | { readonly conflict: string } {
  const claims: Record<string, unknown> = {};
  const from = new Map<string, string>();
  for (const name of names) {
    const scope = getScope(storage, name);
    for (const [claim, value] of Object.entries(scope ? fillTemplate(scope.template, identity, nowMs) : {})) {
      const other = from.get(claim);
      if (other !== undefined) return { conflict: `found scopes with conflicting top-level claim: claim ${JSON.stringify(claim)} in scopes ${JSON.stringify(name)}, ${JSON.stringify(other)}` };
      from.set(claim, name);
      claims[claim] = value;
    }
  }
  return { claims };
}
