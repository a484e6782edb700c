import { createPrivateKey, createPublicKey } from "node:crypto";
import type { JsonWebKey, KeyObject } from "node:crypto";
import { isLosslessNumber, parseDocument } from "@coffer/state-machine";
import type { EcType } from "./key-types.js";

/**
 * RSA and EC keys as a backup has them: their numbers, in JSON, hundreds of digits long. Go reads and writes them so, and
 * JavaScript through LosslessNumber.
 */
type Numbers = Readonly<Record<string, unknown>>;

const HEX_DIGITS_A_BYTE = 2;

function numberOf(base64url: string): unknown {
  return parseDocument(BigInt(`0x${Buffer.from(base64url, "base64url").toString("hex") || "0"}`).toString());
}

/** Undefined for what is no natural number. `bytes`: with so many leading zeros. */
function base64UrlOf(value: unknown, bytes?: number): string | undefined {
  const text = typeof value === "number" || isLosslessNumber(value) ? String(value) : "";
  if (!/^\d+$/.test(text)) return undefined;
  const hex = BigInt(text).toString(16);
  const whole = hex.padStart(bytes === undefined ? hex.length + (hex.length % HEX_DIGITS_A_BYTE) : bytes * HEX_DIGITS_A_BYTE, "0");
  return Buffer.from(whole, "hex").toString("base64url");
}

export function rsaPublicNumbers(key: KeyObject): Numbers {
  const { n, e } = key.export({ format: "jwk" });
  return { N: numberOf(n!), E: numberOf(e!) };
}

export function rsaPrivateNumbers(key: KeyObject): Numbers {
  const { n, e, d, p, q, dp, dq, qi } = key.export({ format: "jwk" });
  return {
    N: numberOf(n!),
    E: numberOf(e!),
    D: numberOf(d!),
    Primes: [numberOf(p!), numberOf(q!)],
    Precomputed: { Dp: numberOf(dp!), Dq: numberOf(dq!), Qinv: numberOf(qi!), CRTValues: [] },
  };
}

const isObject = (value: unknown): value is Numbers => typeof value === "object" && value !== null && !isLosslessNumber(value);

/** Throws for what is no RSA key of two primes. */
export function rsaPrivateKey(numbers: unknown): KeyObject {
  if (!isObject(numbers) || !Array.isArray(numbers["Primes"]) || numbers["Primes"].length !== 2 || !isObject(numbers["Precomputed"])) throw new TypeError("not an RSA key");
  const [p, q] = numbers["Primes"] as unknown[];
  const { Dp, Dq, Qinv } = numbers["Precomputed"] as { Dp?: unknown; Dq?: unknown; Qinv?: unknown };
  const parts = { n: numbers["N"], e: numbers["E"], d: numbers["D"], p, q, dp: Dp, dq: Dq, qi: Qinv };
  return createPrivateKey({ key: jwk("RSA", Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, base64UrlOf(value)]))), format: "jwk" });
}

/** Throws for what is no RSA key. */
export function rsaPublicKey(numbers: unknown): KeyObject {
  if (!isObject(numbers)) throw new TypeError("not an RSA key");
  return createPublicKey({ key: jwk("RSA", { n: base64UrlOf(numbers["N"]), e: base64UrlOf(numbers["E"]) }), format: "jwk" });
}

export function ecNumbers(key: KeyObject): Numbers {
  const { x, y, d } = key.export({ format: "jwk" });
  return { ec_x: numberOf(x!), ec_y: numberOf(y!), ec_d: d === undefined ? null : numberOf(d) };
}

/** A private key, or a public one where there is no `ec_d`. Throws for what is no point of the curve. */
export function ecKey({ curve, coordinateBytes }: EcType, numbers: Numbers): KeyObject {
  const point = { crv: curve, x: base64UrlOf(numbers["ec_x"], coordinateBytes), y: base64UrlOf(numbers["ec_y"], coordinateBytes) };
  if (numbers["ec_d"] === null || numbers["ec_d"] === undefined) return createPublicKey({ key: jwk("EC", point), format: "jwk" });
  return createPrivateKey({ key: jwk("EC", { ...point, d: base64UrlOf(numbers["ec_d"], coordinateBytes) }), format: "jwk" });
}

/** Throws where a part is missing. */
function jwk(kty: string, parts: Readonly<Record<string, string | undefined>>): JsonWebKey {
  for (const [name, part] of Object.entries(parts)) if (part === undefined) throw new TypeError(`a key without ${name}`);
  return { kty, ...parts } as JsonWebKey;
}
