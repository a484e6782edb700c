import { createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { BarrierError, openValue, sealValue, sealedTerm } from "../barrier/sealed-value.js";
import type { Environment } from "../framework/engine.js";
import type { Codec, ReadStorage, WriteStorage } from "../framework/storage.js";
import { BATCH_PREFIX, tokenId } from "./entry.js";
import type { TokenEntry } from "./entry.js";

/**
 * Batch tokens are their own entry, sealed: making one writes nothing, and so it cannot be revoked, renewed or counted. They
 * are sealed under keys of their own, which are stored as everything is, sealed by the barrier. Below `core/`:
 * `token/batch-keys`.
 */
export type NewBatchToken = Pick<TokenEntry, "parent" | "policies" | "path" | "meta" | "displayName" | "ttl" | "entityId" | "role" | "boundCidrs" | "mountUuid">;

interface BatchKey {
  readonly term: number;
  readonly createdMs: number;
  readonly key: KeyObject;
}

interface StoredKey {
  readonly term: number;
  readonly createdMs: number;
  /** Base64. */
  readonly key: string;
}

const KEYS = "token/batch-keys";
/** Binds what is sealed to its use. */
const PLACE = "token/batch";
const KEY_BYTES = 32;
const MS = 1000;
/** Random nonces are sound for 2^32 values a key: over a thousand logins a second for as long as this. */
const KEY_AGE_MS = 30 * 86_400 * MS;

const decoder = new TextDecoder();
/** Decoded once, kept by the cache: keys are imported then. */
const keysCodec: Codec<readonly BatchKey[]> = {
  encode: (keys) => Buffer.from(JSON.stringify(keys.map(({ key, ...rest }) => ({ ...rest, key: key.export().toString("base64") })))),
  decode: (bytes) => (JSON.parse(decoder.decode(bytes)) as StoredKey[]).map(({ key, ...rest }) => ({ ...rest, key: createSecretKey(key, "base64") })),
};

type Payload = readonly [parent: string, policies: readonly string[], path: string, meta: TokenEntry["meta"], displayName: string, creationTime: number, ttl: number, expireTime: number, entityId: string, role: string, boundCidrs: readonly string[], mountUuid: string];

/** All of these take storage scoped to `core/`. Writes only where a new key is due. */
export function createBatchToken(storage: WriteStorage, token: NewBatchToken, env: Environment): { readonly text: string; readonly entry: TokenEntry } {
  const { term, key } = currentKey(storage, env);
  const creationTime = Math.floor(env.now() / MS);
  const { parent, policies, path, meta, displayName, ttl, entityId, role, boundCidrs, mountUuid } = token;
  const payload: Payload = [parent, policies, path, meta, displayName, creationTime, ttl, env.now() / MS + ttl, entityId, role, boundCidrs, mountUuid];
  const text = BATCH_PREFIX + Buffer.from(sealValue(key, term, PLACE, Buffer.from(JSON.stringify(payload)))).toString("base64url");
  return { text, entry: entryOf(tokenId(storage, text), payload) };
}

/** What is in a batch token; undefined for what is none of this cluster's. Whether it is still good is not told. */
export function openBatchToken(storage: ReadStorage, text: string): TokenEntry | undefined {
  try {
    const sealed = Buffer.from(text.slice(BATCH_PREFIX.length), "base64url");
    const term = sealedTerm(sealed);
    const found = storage.get(KEYS, keysCodec)?.find((one) => one.term === term);
    if (!found) return undefined;
    return entryOf(tokenId(storage, text), JSON.parse(decoder.decode(openValue(found.key, PLACE, sealed))) as Payload);
  } catch (error) {
    if (error instanceof BarrierError) return undefined;
    throw error;
  }
}

/** The newest comes first. */
function currentKey(storage: WriteStorage, env: Environment): BatchKey {
  const keys = storage.get(KEYS, keysCodec) ?? [];
  const [newest] = keys;
  if (newest && env.now() - newest.createdMs < KEY_AGE_MS) return newest;
  const key: BatchKey = { term: (newest?.term ?? 0) + 1, createdMs: env.now(), key: createSecretKey(env.randomBytes(KEY_BYTES)) };
  // Old ones stay: some mount may give tokens that live for years.
  storage.put(KEYS, keysCodec, [key, ...keys]);
  return key;
}

function entryOf(id: string, [parent, policies, path, meta, displayName, creationTime, ttl, expireTime, entityId, role, boundCidrs, mountUuid]: Payload): TokenEntry {
  return {
    id, type: "batch", accessor: "", parent, policies, path, meta, displayName, numUses: 0, creationTime, ttl, creationTtl: ttl, explicitMaxTtl: 0, maxTtl: 0,
    period: 0, renewable: false, lastRenewal: 0, expireTime, entityId, role, boundCidrs, mountUuid, internalData: {},
  };
}
