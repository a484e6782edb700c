import { TokenRefused } from "./signature.js";
import type { Claims } from "./signature.js";

/** What a token's registered claims (RFC 7519, section 4.1) must say. */
export interface Expected {
  /** Empty: any. */
  readonly issuer: string;
  readonly subject: string;
  /** One of them; none at all: any. */
  readonly audiences: readonly string[];
  readonly leeways: Leeways;
  /** Whether a token without `iat`, `nbf` and `exp` is taken. */
  readonly timeless?: boolean;
}

/** Seconds. 0: the default; negative: none. */
export interface Leeways {
  readonly clockSkew: number;
  /** How long a token without `exp` is valid. */
  readonly expiration: number;
  /** How long before its `exp` a token without `iat` and `nbf` begins. */
  readonly notBefore: number;
}

export const DEFAULT_LEEWAY_SECONDS = 150;
export const DEFAULT_SKEW_SECONDS = 60;
const MS = 1000;

const leewayOf = (seconds: number, byDefault: number): number => (seconds < 0 ? 0 : seconds === 0 ? byDefault : seconds);

/** Throws TokenRefused. `now` in milliseconds. */
export function checkExpected(claims: Claims, expected: Expected, now: number): void {
  if (expected.issuer !== "" && claims["iss"] !== expected.issuer) throw new TokenRefused("invalid issuer (iss) claim");
  if (expected.subject !== "" && claims["sub"] !== expected.subject) throw new TokenRefused("invalid subject (sub) claim");
  const audiences = audiencesOf(claims);
  if (expected.audiences.length > 0 && !expected.audiences.some((one) => audiences.includes(one))) throw new TokenRefused("invalid audience (aud) claim: audience claim does not match any expected audience");
  checkTimes(claims, expected, now / MS);
}

/** `aud` is one string or a list of them. Throws TokenRefused for anything else. */
export function audiencesOf(claims: Claims): readonly string[] {
  const { aud } = claims;
  if (aud === undefined || aud === null) return [];
  if (typeof aud === "string") return [aud];
  if (Array.isArray(aud) && aud.every((one) => typeof one === "string")) return aud as readonly string[];
  throw new TokenRefused("invalid audience (aud) claim: expected a string or a list of strings");
}

function checkTimes(claims: Claims, { leeways, timeless }: Expected, nowSeconds: number): void {
  const issuedAt = numericDate(claims, "iat", "issued at");
  let expiry = numericDate(claims, "exp", "expiration time");
  let notBefore = numericDate(claims, "nbf", "not before");
  if (issuedAt === 0 && expiry === 0 && notBefore === 0) {
    if (timeless) return;
    throw new TokenRefused("no issued at (iat), not before (nbf), or expiration time (exp) claims in token");
  }
  if (expiry === 0) expiry = Math.max(issuedAt, notBefore) + leewayOf(leeways.expiration, DEFAULT_LEEWAY_SECONDS);
  if (notBefore === 0) notBefore = issuedAt !== 0 ? issuedAt : expiry - leewayOf(leeways.notBefore, DEFAULT_LEEWAY_SECONDS);
  const skew = leewayOf(leeways.clockSkew, DEFAULT_SKEW_SECONDS);
  if (nowSeconds + skew < notBefore) throw new TokenRefused("invalid not before (nbf) claim: token not yet valid");
  if (nowSeconds - skew > expiry) throw new TokenRefused("invalid expiration time (exp) claim: token is expired");
  if (nowSeconds + skew < issuedAt) throw new TokenRefused("invalid issued at (iat) claim: token issued in the future");
}

/** Seconds since 1970; 0 where it is absent. */
function numericDate(claims: Claims, name: string, meaning: string): number {
  const value = claims[name];
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TokenRefused(`invalid ${meaning} (${name}) claim: expected a number`);
  return value;
}
