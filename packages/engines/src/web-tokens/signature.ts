import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { compactVerify, createLocalJWKSet, errors } from "jose";
import type { CompactVerifyGetKey, JSONWebKeySet } from "jose";

/** Signature algorithms that are taken unless a configuration names fewer. No `none`, nothing with a shared key: who holds a public key must not be able to sign. */
export const SIGNATURE_ALGORITHMS = ["ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const;

/** Claims of a token (RFC 7519), as they stand in it. */
export type Claims = Readonly<Record<string, unknown>>;

/** Why a token was not taken; the text goes to the caller. */
export class TokenRefused extends Error {
  /** The signature is by no key that we know: other keys may be there by now. */
  readonly mayBeNewKey: boolean;

  constructor(message: string, mayBeNewKey = false) {
    super(message);
    this.name = "TokenRefused";
    this.mayBeNewKey = mayBeNewKey;
  }
}

/** Bytes. Real ones have one or two thousand; what is larger is not worth a look. */
const MAX_TOKEN_BYTES = 64 * 1024;
const PUBLIC_PEM = /^\s*-----BEGIN (PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)-----/;

/** Of a PEM public key or certificate. Throws for anything else, private keys among it. */
export function publicKeyFrom(pem: string): KeyObject {
  if (!PUBLIC_PEM.test(pem)) throw new Error("data does not contain any valid public keys");
  try {
    return createPublicKey(pem);
  } catch {
    throw new Error("data does not contain any valid public keys");
  }
}

/** The claims of a token that one of these keys has signed. Throws TokenRefused. */
export async function verifyWithKeys(token: string, keys: readonly KeyObject[], algorithms: readonly string[]): Promise<Claims> {
  checkHeader(token, algorithms);
  for (const key of keys) {
    try {
      return claimsOf((await compactVerify(token, key, { algorithms: [...algorithms] })).payload);
    } catch (error) {
      // A TypeError: the key is of another type than the algorithm.
      if (!(error instanceof errors.JOSEError || error instanceof TypeError)) throw error;
    }
  }
  throw new TokenRefused("no known key successfully validated the token signature");
}

/** Throws where this is no JSON Web Key Set (RFC 7517). */
export function keySetFrom(set: Readonly<Record<string, unknown>>): CompactVerifyGetKey {
  return createLocalJWKSet(set as unknown as JSONWebKeySet) as CompactVerifyGetKey;
}

/** The claims of a token that a key of the set has signed. Throws TokenRefused. */
export async function verifyWithSet(token: string, set: CompactVerifyGetKey, algorithms: readonly string[]): Promise<Claims> {
  checkHeader(token, algorithms);
  const options = { algorithms: [...algorithms] };
  try {
    return claimsOf((await compactVerify(token, set, options)).payload);
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      for await (const key of error) {
        try {
          return claimsOf((await compactVerify(token, key, options)).payload);
        } catch (inner) {
          if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner;
        }
      }
    } else if (!(error instanceof errors.JOSEError || error instanceof TypeError)) throw error;
  }
  throw new TokenRefused("failed to verify id token signature", true);
}

/** The claims of a token whose signature somebody else judges. Throws TokenRefused. */
export function claimsWithoutSignature(token: string, algorithms: readonly string[]): Claims {
  checkHeader(token, algorithms);
  return claimsOf(Buffer.from(token.split(".")[1]!, "base64url"));
}

/** Refuses what is no signed token, before any key is tried. */
function checkHeader(token: string, algorithms: readonly string[]): void {
  if (token.length > MAX_TOKEN_BYTES) throw new TokenRefused("oidc: malformed jwt: the token is too large");
  const parts = token.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^[A-Za-z0-9_-]*$/.test(part))) throw new TokenRefused("oidc: malformed jwt: compact JWS format must have three parts");
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(parts[0]!, "base64url").toString());
  } catch {
    throw new TokenRefused("oidc: malformed jwt: the header is no JSON");
  }
  const { alg, b64 } = (header ?? {}) as { readonly alg?: unknown; readonly b64?: unknown };
  if (typeof alg !== "string" || !algorithms.includes(alg)) throw new TokenRefused(`oidc: malformed jwt: unexpected signature algorithm ${JSON.stringify(alg ?? "")}; expected [${algorithms.map((one) => JSON.stringify(one)).join(" ")}]`);
  if (parts[2] === "") throw new TokenRefused("oidc: malformed jwt: the token must be signed");
  if (b64 !== undefined) throw new TokenRefused("oidc: malformed jwt: unsupported header parameter \"b64\"");
}

function claimsOf(payload: Uint8Array): Claims {
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload).toString());
  } catch {
    throw new TokenRefused("failed to unmarshal claims: the payload is no JSON");
  }
  if (claims === null || typeof claims !== "object" || Array.isArray(claims)) throw new TokenRefused("failed to unmarshal claims: the payload is no object");
  return claims as Claims;
}
