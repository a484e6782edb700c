import { getCiphers } from "node:tls";

const KNOWN = new Set(getCiphers().map((name) => name.toUpperCase()));

/** OpenSSL's name of a cipher suite that is named as in the TLS registry, or already as OpenSSL does; undefined for others. */
export function opensslCipher(name: string): string | undefined {
  const upper = name.toUpperCase();
  const translated = upper.includes("_WITH_") ? fromRegistry(upper) : upper;
  return KNOWN.has(translated) ? translated : undefined;
}

/** TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256; names of TLS 1.3 stay. */
function fromRegistry(name: string): string {
  return name
    .replace(/^TLS_/, "")
    .replace(/^RSA_WITH_/, "")
    .replace("_WITH_", "_")
    .replace(/AES_(\d+)_CBC/, "AES$1")
    .replace(/AES_(\d+)/, "AES$1")
    .replace(/CHACHA20_POLY1305(_SHA256)?$/, "CHACHA20_POLY1305")
    .replace(/_/g, "-");
}
