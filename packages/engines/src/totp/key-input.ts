import { Secret } from "otpauth";
import { invalid } from "@coffer/state-machine";
import type { Environment } from "@coffer/state-machine";
import { ALGORITHMS } from "./storage.js";
import type { Algorithm, TotpKey } from "./storage.js";

/** What a key is made from, as it was given. */
export interface KeyInput {
  readonly generate: boolean;
  readonly key: string;
  readonly url: string;
  readonly issuer: string;
  readonly account_name: string;
  readonly period: number;
  readonly algorithm: string;
  readonly digits: number;
  readonly skew: number;
  readonly key_size: number;
  readonly qr_size: number;
}

/** Bytes; more than any hash function has use for. */
const MOST_KEY_BYTES = 512;
/** Pixels; beyond this an image is a burden and no better to scan. */
export const MOST_QR_PIXELS = 2000;

/** Throws RequestError 400. */
function numberIn(url: URLSearchParams, name: string, fallback: number): number {
  const text = url.get(name);
  if (text === null || text === "") return fallback;
  if (!/^-?\d{1,9}$/.test(text)) throw invalid(`an error occurred while parsing ${name} value in url`);
  return Number(text);
}

/** What an otpauth URL says, over what was given beside it. Throws RequestError 400. */
function withUrl(input: KeyInput): KeyInput {
  if (input.url === "") return input;
  let url: URL;
  let label: string;
  try {
    url = new URL(input.url);
    label = decodeURIComponent(url.pathname).replace(/^\//, "");
  } catch {
    throw invalid("an error occurred while parsing url string");
  }
  const colon = label.indexOf(":");
  const query = url.searchParams;
  return {
    ...input,
    issuer: query.get("issuer") || (colon === -1 ? input.issuer : label.slice(0, colon)),
    account_name: label.slice(colon + 1),
    key: query.get("secret") ?? "",
    period: numberIn(query, "period", input.period),
    digits: numberIn(query, "digits", input.digits),
    algorithm: query.get("algorithm") || input.algorithm,
  };
}

/** Throws RequestError 400 for anything but base32, whose padding may be absent. */
function base32(text: string): string {
  if (text === "") throw invalid("the key value is required");
  const bare = text.toUpperCase().replace(/=+$/, "");
  if (!/^[A-Z2-7]+$/.test(bare)) throw invalid("invalid key value: illegal base32 data");
  const { bytes } = Secret.fromBase32(bare);
  if (bytes.length === 0) throw invalid("invalid key value: illegal base32 data");
  if (bytes.length > MOST_KEY_BYTES) throw invalid(`invalid key value: more than ${MOST_KEY_BYTES} bytes`);
  return bare;
}

function checkGenerated({ key, url, account_name: account, issuer }: KeyInput): void {
  if (key !== "") throw invalid("a key should not be passed if generate is true");
  if (url !== "") throw invalid("a url should not be passed if generate is true");
  if (account === "") throw invalid("the account_name value is required for generated keys");
  if (issuer === "") throw invalid("the issuer value is required for generated keys");
}

/** The key that the input makes. Throws RequestError 400. */
export function keyFrom(given: KeyInput, env: Environment): TotpKey {
  if (given.generate) checkGenerated(given);
  const input = given.generate ? given : withUrl(given);
  const { digits, algorithm, period, skew } = input;
  if (digits !== 6 && digits !== 8) throw invalid("the digits value can only be 6 or 8");
  if (!(ALGORITHMS as readonly string[]).includes(algorithm)) throw invalid("the algorithm value is not valid");
  if (period <= 0) throw invalid("the period value must be greater than zero");
  if (skew !== 0 && skew !== 1) throw invalid("the skew value must be 0 or 1");
  if (input.qr_size < 0) throw invalid("the qr_size value must be greater than or equal to zero");
  if (input.qr_size > MOST_QR_PIXELS) throw invalid(`the qr_size value must be at most ${MOST_QR_PIXELS}`);
  if (input.key_size <= 0) throw invalid("the key_size value must be greater than zero");
  if (input.key_size > MOST_KEY_BYTES) throw invalid(`the key_size value must be at most ${MOST_KEY_BYTES}`);
  const secret = input.generate ? new Secret({ buffer: new Uint8Array(env.randomBytes(input.key_size)).buffer }).base32 : base32(input.key);
  return { secret, issuer: input.issuer, account_name: input.account_name, period, algorithm: algorithm as Algorithm, digits, skew };
}
