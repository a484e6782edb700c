import { invalid } from "@coffer/state-machine";

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const BASE64URL = /^[A-Za-z0-9_-]*$/;
const LINE_BREAKS = /[\r\n]/g;

/** Standard base64 with its padding; line breaks do not count. Throws RequestError 400. */
export function decodeBase64(text: string): Buffer {
  const bare = text.includes("\n") || text.includes("\r") ? text.replace(LINE_BREAKS, "") : text;
  if (bare.length % 4 !== 0 || !BASE64.test(bare)) throw invalid("illegal base64 data");
  return Buffer.from(bare, "base64");
}

/** URL-safe base64 without padding, as JWS has it. Throws RequestError 400. */
export function decodeBase64Url(text: string): Buffer {
  if (text.length % 4 === 1 || !BASE64URL.test(text)) throw invalid("illegal base64 data");
  return Buffer.from(text, "base64url");
}
