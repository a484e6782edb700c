import { createHmac, timingSafeEqual } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { decodeBase64 } from "./base64.js";
import type { HashAlgorithm } from "./hash-algorithms.js";
import { hmacBytes } from "./material.js";
import type { Key } from "./storage.js";
import { parseVersioned, versioned } from "./versioned.js";
import { refuseSoftDeleted, requireVersion } from "./versions.js";

function sum(storage: ReadStorage, key: Key, number: number, input: Uint8Array, { openssl }: HashAlgorithm): Buffer {
  const version = requireVersion(storage, key, number);
  // Restored from before keys had one. Anybody could make an HMAC with an empty key.
  if (version.hmac === "") throw invalid("no HMAC key exists for that key version");
  return createHmac(openssl, hmacBytes(version)).update(input).digest();
}

/** Every key has one for HMACs, whatever its type. Throws RequestError 400. `asked`: a version, or 0 for the latest. */
export function hmac(storage: ReadStorage, key: Key, input: Uint8Array, asked: number, hash: HashAlgorithm): string {
  refuseSoftDeleted(key);
  if (asked < 0) throw invalid("key version does not exist (cannot be negative)");
  if (asked > key.latest_version) throw invalid(`key version does not exist; latest key version is ${key.latest_version}`);
  const number = asked === 0 ? key.latest_version : asked;
  if (number !== key.latest_version && (number < key.min_encryption_version || number < key.min_decryption_version)) throw invalid("cannot generate HMAC: version is too old (disallowed by policy)");
  return versioned(number, sum(storage, key, number, input, hash).toString("base64"));
}

/** Throws RequestError 400 for what is no HMAC of this key at all. */
export function verifyHmac(storage: ReadStorage, key: Key, input: Uint8Array, claimed: string, hash: HashAlgorithm): boolean {
  refuseSoftDeleted(key);
  const { version, text } = parseVersioned(claimed, "HMAC");
  const expected = decodeBase64(text);
  if (version > key.latest_version) throw invalid("invalid HMAC: version is too new");
  if (version < key.min_decryption_version) throw invalid("cannot verify HMAC: version is too old (disallowed by policy)");
  const made = sum(storage, key, version, input, hash);
  return made.length === expected.length && timingSafeEqual(made, expected);
}
