import { createHash } from "node:crypto";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { WriteStorage } from "../framework/storage.js";
import { randomText } from "../tokens/entry.js";
import { cancelExpiry, scheduleExpiry } from "../tokens/expiry.js";

/**
 * What an OIDC client may exchange for tokens, once: below `core/`, `identity/oidc/code/<hash of the code>`, so that neither a
 * failover nor another node knows less of it, and storage tells nobody a code.
 */
export interface AuthorizationCode {
  readonly provider: string;
  readonly clientId: string;
  readonly entityId: string;
  readonly redirectUri: string;
  /** Empty: none was given. */
  readonly nonce: string;
  readonly scopes: readonly string[];
  /** RFC 7636. Null: it was asked for without. */
  readonly challenge: { readonly method: "S256" | "plain"; readonly text: string } | null;
  /** When the user logged in, seconds since 1970; null where nobody asked. */
  readonly authTime: number | null;
}

/** As Vault: five minutes. */
const LIFETIME_MS = 300_000;
/** About 190 bits. */
const LENGTH = 32;
const codec = jsonCodec<AuthorizationCode & { readonly expireMs: number }>();
export const authorizationCodeKey = (id: string) => `identity/oidc/code/${id}`;
const idOf = (text: string) => createHash("sha256").update(text).digest("hex");

/** Returns the code. `storage` is scoped to `core/`, as below. */
export function putAuthorizationCode(storage: WriteStorage, code: AuthorizationCode, env: Environment): string {
  const text = randomText(env, LENGTH);
  const expireMs = env.now() + LIFETIME_MS;
  storage.put(authorizationCodeKey(idOf(text)), codec, { ...code, expireMs });
  scheduleExpiry(storage, expireMs, "code", idOf(text));
  return text;
}

/** What the code stands for; it is used up then, whatever becomes of the exchange. Undefined for one that is not good (any more). */
export function takeAuthorizationCode(storage: WriteStorage, text: string, env: Environment): AuthorizationCode | undefined {
  const id = idOf(text);
  const found = storage.get(authorizationCodeKey(id), codec);
  if (!found) return undefined;
  storage.delete(authorizationCodeKey(id));
  cancelExpiry(storage, found.expireMs, "code", id);
  return found.expireMs > env.now() ? found : undefined;
}
