import { createHmac, timingSafeEqual } from "node:crypto";
import type { Environment, ReadStorage, WriteStorage } from "@coffer/state-machine";
import { calculateJwkThumbprint, decodeProtectedHeader, flattenedVerify, importJWK } from "jose";
import type { FlattenedJWSInput, JWK } from "jose";
import { AcmeProblem } from "./acme-problem.js";
import { getAccount, getAcmeSecret, getEab, isNonceUsed, useNonce } from "./acme-storage.js";
import type { Account, EabKey } from "./acme-storage.js";

/** RFC 8555, 6.2: no MAC, no `none`. */
const ALGORITHMS = ["RS256", "ES256", "ES384", "ES512", "EdDSA"];
const NONCE_LIFE_MS = 900_000;

/**
 * A nonce says when it ends, and is authenticated: giving one out writes nothing, on any node. Using one does.
 */
export function newNonce(storage: ReadStorage, env: Environment): string {
  const body = Buffer.alloc(24);
  body.writeUIntBE(env.now() + NONCE_LIFE_MS, 0, 6);
  body.set(env.randomBytes(18), 6);
  return Buffer.concat([body, mac(storage, body)]).toString("base64url");
}

const mac = (storage: ReadStorage, body: Uint8Array) => createHmac("sha256", getAcmeSecret(storage) ?? "").update(body).digest().subarray(0, 12);

/** Throws AcmeProblem `badNonce`. */
function spendNonce(storage: WriteStorage, env: Environment, nonce: unknown): void {
  const bytes = typeof nonce === "string" && /^[A-Za-z0-9_-]{48}$/.test(nonce) ? Buffer.from(nonce, "base64url") : undefined;
  if (!bytes || !timingSafeEqual(bytes.subarray(24), mac(storage, bytes.subarray(0, 24)))) throw new AcmeProblem("badNonce", "the nonce is not one of this server's");
  const endsMs = bytes.readUIntBE(0, 6);
  if (endsMs < env.now() || isNonceUsed(storage, nonce as string, endsMs)) throw new AcmeProblem("badNonce", "the nonce was used or has ended");
  useNonce(storage, nonce as string, endsMs);
}

export interface SignedRequest {
  readonly url: string;
  /** Undefined for a POST-as-GET. */
  readonly payload: Readonly<Record<string, unknown>> | undefined;
  readonly jwk: JWK;
  readonly thumbprint: string;
  /** Undefined where the request is signed by a key that brings itself. */
  readonly account: Account | undefined;
}

export interface JwsContext {
  readonly storage: WriteStorage;
  readonly env: Environment;
  /** What the request's `url` must be. */
  readonly url: string;
  /** The start of account URLs. */
  readonly accountUrl: string;
  readonly directory: string;
}

/** The request's signature, nonce and address (RFC 8555, 6). Throws AcmeProblem. */
export async function verifyJws({ storage, env, url, accountUrl, directory }: JwsContext, body: Readonly<Record<string, unknown>>): Promise<SignedRequest> {
  const jws = body as unknown as FlattenedJWSInput;
  const header = headerOf(jws);
  if (!ALGORITHMS.includes(String(header["alg"]))) throw new AcmeProblem("badSignatureAlgorithm", `the algorithm must be one of ${ALGORITHMS.join(", ")}`);
  if (header["url"] !== url) throw new AcmeProblem("unauthorized", "the url of the signature is not the one that was asked");
  const { jwk: own, kid } = header;
  if ((own === undefined) === (kid === undefined)) throw new AcmeProblem("malformed", "the signature must have either jwk or kid");
  const account = typeof kid === "string" && kid.startsWith(accountUrl) ? getAccount(storage, kid.slice(accountUrl.length)) : undefined;
  if (kid !== undefined && (!account || account.directory !== directory)) throw new AcmeProblem("accountDoesNotExist", "there is no such account");
  const jwk = account?.jwk ?? (own as JWK);
  const payload = await checkSignature(jws, jwk, String(header["alg"]));
  if (account && account.status !== "valid") throw new AcmeProblem("unauthorized", `the account is ${account.status}`);
  spendNonce(storage, env, header["nonce"]);
  return { url, payload, jwk, thumbprint: await calculateJwkThumbprint(jwk), account };
}

/** What a request carries that is signed in turn, by a key that it brings: the new one of a change of keys. Throws AcmeProblem. */
export async function verifyInner(body: Readonly<Record<string, unknown>>, url: string): Promise<{ readonly jwk: JWK; readonly payload: Readonly<Record<string, unknown>> }> {
  const jws = body as unknown as FlattenedJWSInput;
  const { alg, jwk, kid, url: own, nonce } = headerOf(jws);
  if (!ALGORITHMS.includes(String(alg))) throw new AcmeProblem("badSignatureAlgorithm", `the algorithm must be one of ${ALGORITHMS.join(", ")}`);
  if (jwk === undefined || kid !== undefined) throw new AcmeProblem("malformed", "the inner request must have a jwk and no kid");
  if (own !== url || nonce !== undefined) throw new AcmeProblem("malformed", "the inner request must have the url of the outer one, and no nonce");
  const payload = await checkSignature(jws, jwk as JWK, String(alg));
  if (!payload) throw new AcmeProblem("malformed", "the inner request is empty");
  return { jwk: jwk as JWK, payload };
}

function headerOf(jws: FlattenedJWSInput): Readonly<Record<string, unknown>> {
  try {
    return decodeProtectedHeader(jws) as Record<string, unknown>;
  } catch {
    throw new AcmeProblem("malformed", "the request is not a flattened JWS");
  }
}

async function checkSignature(jws: FlattenedJWSInput, jwk: JWK, algorithm: string): Promise<SignedRequest["payload"]> {
  try {
    const { payload } = await flattenedVerify(jws, await importJWK(jwk, algorithm), { algorithms: ALGORITHMS });
    if (payload.length === 0) return undefined;
    const parsed: unknown = JSON.parse(Buffer.from(payload).toString());
    if (typeof parsed === "object" && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    throw new AcmeProblem("malformed", "the signature does not hold, or its payload is not JSON");
  }
  throw new AcmeProblem("malformed", "the payload must be an object");
}

/** RFC 8555, 7.3.4: an account is bound to a key that was given out here. Throws AcmeProblem. */
export async function verifyBinding(storage: ReadStorage, binding: unknown, jwk: JWK, url: string, directory: string): Promise<EabKey> {
  const refused = (why: string) => new AcmeProblem("unauthorized", `the external account binding ${why}`);
  const jws = binding as FlattenedJWSInput;
  const header = headerOf(jws);
  const eab = typeof header["kid"] === "string" && !header["kid"].includes("/") ? getEab(storage, header["kid"]) : undefined;
  if (!eab || eab.directory !== directory) throw refused("names no key of this directory");
  if (header["alg"] !== "HS256" || header["url"] !== url) throw refused("must be HS256, and for this url");
  try {
    const { payload } = await flattenedVerify(jws, Buffer.from(eab.key, "base64url"), { algorithms: ["HS256"] });
    const inner = JSON.parse(Buffer.from(payload).toString()) as JWK;
    if ((await calculateJwkThumbprint(inner)) === (await calculateJwkThumbprint(jwk))) return eab;
  } catch {
    throw refused("does not hold");
  }
  throw refused("is for another key");
}
