import type { JWK } from "jose";
import { invalid, jsonCodec } from "@coffer/state-machine";
import type { Environment, ReadStorage, WriteStorage } from "@coffer/state-machine";

/** Keys that sign identity tokens, one value each below `core/`: `identity/oidc/key/<name>`. */
export const ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface NamedKey {
  readonly name: string;
  readonly algorithm: Algorithm;
  readonly rotationPeriodSeconds: number;
  /** How long a key that no longer signs is still published. */
  readonly verificationTtlSeconds: number;
  /** Whose tokens it may sign; `*` is everybody. */
  readonly allowedClientIds: readonly string[];
  /** Private. */
  readonly signing: JWK;
  /** Private; published before it signs, so that those who cache what is published know it by then. */
  readonly next: JWK;
  readonly nextRotationMs: number;
  /** Public halves of keys that signed before. */
  readonly retired: readonly { readonly jwk: JWK; readonly expireMs: number }[];
}

export const KEYS = "identity/oidc/key/";
const codec = jsonCodec<NamedKey>();
const MS = 1000;
/** Loaded by who uses it: identity/ is on every node, its tokens are not used everywhere. */
const library = () => import("jose");
const MIN_ROTATION_SECONDS = 60;
const MAX_RATIO = 10;
/** Exists always; made when it is first needed. */
export const DEFAULT_KEY = "default";

export interface KeyChange {
  readonly rotationPeriodSeconds?: number | undefined;
  readonly verificationTtlSeconds?: number | undefined;
  readonly algorithm?: string | undefined;
  readonly allowedClientIds?: readonly string[] | undefined;
}

export function getKey(storage: ReadStorage, name: string): NamedKey | undefined {
  return storage.get(KEYS + name, codec);
}

export function maySignFor({ allowedClientIds }: Pick<NamedKey, "allowedClientIds">, clientId: string): boolean {
  return allowedClientIds.includes("*") || allowedClientIds.includes(clientId);
}

/** Signs claims as a JWT (RFC 7519). */
export async function signClaims({ algorithm, signing }: NamedKey, claims: Readonly<Record<string, unknown>>): Promise<string> {
  const { importJWK, SignJWT } = await library();
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: signing.kid! }).sign(await importJWK(signing, algorithm));
}

/** Generated off the main thread. */
async function newJwk(algorithm: Algorithm, env: Environment): Promise<JWK> {
  const { exportJWK, generateKeyPair } = await library();
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 });
  return { ...(await exportJWK(privateKey)), kid: env.uuid(), alg: algorithm, use: "sig" };
}

const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];

export function publicHalf(jwk: JWK): JWK {
  return Object.fromEntries(Object.entries(jwk).filter(([member]) => !PRIVATE.includes(member)));
}

/** Throws RequestError 400. */
export async function putKey(storage: WriteStorage, name: string, change: KeyChange, env: Environment): Promise<NamedKey> {
  const before = getKey(storage, name);
  const algorithm = (change.algorithm ?? before?.algorithm ?? "RS256") as Algorithm;
  const rotationPeriodSeconds = change.rotationPeriodSeconds ?? before?.rotationPeriodSeconds ?? 86_400;
  const verificationTtlSeconds = change.verificationTtlSeconds ?? before?.verificationTtlSeconds ?? 86_400;
  if (rotationPeriodSeconds < MIN_ROTATION_SECONDS) throw invalid("rotation_period must be at least one minute");
  if (verificationTtlSeconds > MAX_RATIO * rotationPeriodSeconds) throw invalid("verification_ttl cannot be longer than 10x rotation_period");
  if (!ALGORITHMS.includes(algorithm)) throw invalid(`unknown signing algorithm ${JSON.stringify(change.algorithm)}`);
  const settings = { name, algorithm, rotationPeriodSeconds, verificationTtlSeconds, allowedClientIds: change.allowedClientIds ?? before?.allowedClientIds ?? [] };
  const isKept = before?.algorithm === algorithm;
  const key: NamedKey = {
    ...settings,
    signing: isKept ? before.signing : await newJwk(algorithm, env),
    next: isKept ? before.next : await newJwk(algorithm, env),
    nextRotationMs: env.now() + rotationPeriodSeconds * MS,
    retired: before && !isKept ? [...before.retired, retire(before, verificationTtlSeconds, env)] : (before?.retired ?? []),
  };
  storage.put(KEYS + name, codec, key);
  return key;
}

const retire = ({ signing }: NamedKey, ttlSeconds: number, env: Environment) => ({ jwk: publicHalf(signing), expireMs: env.now() + ttlSeconds * MS });

/** The next key signs from now on; the one that did is published for its time. */
export async function rotateKey(storage: WriteStorage, key: NamedKey, verificationTtlSeconds: number, env: Environment): Promise<NamedKey> {
  const rotated: NamedKey = {
    ...key,
    signing: key.next,
    next: await newJwk(key.algorithm, env),
    nextRotationMs: env.now() + key.rotationPeriodSeconds * MS,
    retired: [...key.retired.filter(({ expireMs }) => expireMs > env.now()), retire(key, verificationTtlSeconds, env)],
  };
  storage.put(KEYS + key.name, codec, rotated);
  return rotated;
}

/** The key to sign with, rotated where that is due: an idle key has no need to. Undefined: there is none of that name. */
export async function signingKey(storage: WriteStorage, name: string, env: Environment): Promise<NamedKey | undefined> {
  const key = getKey(storage, name) ?? (name === DEFAULT_KEY ? await putKey(storage, name, { allowedClientIds: ["*"] }, env) : undefined);
  return key && key.nextRotationMs <= env.now() ? rotateKey(storage, key, key.verificationTtlSeconds, env) : key;
}

/** The public halves of all that may have signed a token that is still good, or will sign soon; of these keys, or of every one. */
export async function publishedKeys(storage: ReadStorage, env: Environment, names?: readonly string[]): Promise<JWK[]> {
  return (names ?? (await storage.list(KEYS))).flatMap((name) => {
    const key = getKey(storage, name);
    return key ? [publicHalf(key.signing), publicHalf(key.next), ...key.retired.filter(({ expireMs }) => expireMs > env.now()).map(({ jwk }) => jwk)] : [];
  });
}
