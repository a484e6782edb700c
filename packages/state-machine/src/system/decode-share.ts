import { invalid } from "../errors.js";

const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** One key share as an operator gives it. Throws RequestError 400. Hex first, as a share in hex is valid base64 too. */
export function decodeShare(key: string): Uint8Array {
  if (key === "") throw invalid("'key' must be specified in request body as JSON");
  if (HEX.test(key)) return Buffer.from(key, "hex");
  if (BASE64.test(key) && key.length % 4 === 0) return Buffer.from(key, "base64");
  throw invalid("'key' must be a valid hex or base64 string");
}

export const inHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const inBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
