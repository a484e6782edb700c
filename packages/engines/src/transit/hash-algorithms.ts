import { invalid } from "@coffer/state-machine";

/** Hash functions by Vault's names. */
export interface HashAlgorithm {
  /** As OpenSSL calls it. */
  readonly openssl: string;
  readonly bytes: number;
  /** DER of a DigestInfo (RFC 8017, 9.2) up to the digest, which ends it. Hexadecimal. */
  readonly digestInfo: string;
}

const OID_SHA1 = "06052b0e03021a";
/** 2.16.840.1.101.3.4.2: NIST's hash functions. */
const OID_NIST = "06096086480165030402";

function row(openssl: string, bytes: number, oid: string): HashAlgorithm {
  const hex = (byte: number) => byte.toString(16).padStart(2, "0");
  const algorithm = `30${hex(oid.length / 2 + 2)}${oid}0500`;
  return { openssl, bytes, digestInfo: `30${hex(algorithm.length / 2 + 2 + bytes)}${algorithm}04${hex(bytes)}` };
}

const HASH_ALGORITHMS: Readonly<Record<string, HashAlgorithm>> = Object.freeze({
  sha1: row("sha1", 20, OID_SHA1),
  "sha2-224": row("sha224", 28, `${OID_NIST}04`),
  "sha2-256": row("sha256", 32, `${OID_NIST}01`),
  "sha2-384": row("sha384", 48, `${OID_NIST}02`),
  "sha2-512": row("sha512", 64, `${OID_NIST}03`),
  "sha3-224": row("sha3-224", 28, `${OID_NIST}07`),
  "sha3-256": row("sha3-256", 32, `${OID_NIST}08`),
  "sha3-384": row("sha3-384", 48, `${OID_NIST}09`),
  "sha3-512": row("sha3-512", 64, `${OID_NIST}0a`),
});

export const DEFAULT_HASH = "sha2-256";

/** Throws RequestError 400. */
export function hashAlgorithm(name: string): HashAlgorithm {
  const found = Object.hasOwn(HASH_ALGORITHMS, name) ? HASH_ALGORITHMS[name] : undefined;
  if (!found) throw invalid(`invalid hash algorithm ${JSON.stringify(name)}`);
  return found;
}

/** The one that counts of those that a request may name: in its path, in its body, and in its body as it was called before. */
export function namedHash(input: { readonly urlalgorithm: string; readonly hash_algorithm: string; readonly algorithm: string }): string {
  return input.urlalgorithm || input.hash_algorithm || input.algorithm || DEFAULT_HASH;
}
