import { createPrivateKey, createPublicKey } from "node:crypto";
import type { KeyVersion } from "./storage.js";

/**
 * Stored key material as node:crypto takes it. What is made of a stored value is kept as long as that value is: the store
 * gives the same one to every request until it changes, and drops it when the node is sealed.
 */
function kept<T>(make: (version: KeyVersion) => T): (version: KeyVersion) => T {
  const known = new WeakMap<KeyVersion, { readonly value: T }>();
  return (version) => {
    const found = known.get(version);
    if (found) return found.value;
    const value = make(version);
    known.set(version, { value });
    return value;
  };
}

/** RFC 8410: what stands before the seed in PKCS #8. */
const ED25519_PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SEED_BYTES = 32;

/** An ed25519 private key from its seed, of 32 bytes; what comes after these is not looked at. */
export function ed25519FromSeed(seed: Uint8Array) {
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8_PREFIX, seed.subarray(0, SEED_BYTES)]), format: "der", type: "pkcs8" });
}

/** Of symmetric keys, and of ed25519. */
export const secretBytes = kept(({ secret }) => Buffer.from(secret, "base64"));
export const hmacBytes = kept(({ hmac }) => Buffer.from(hmac, "base64"));
/** Of RSA and EC. */
export const privateKey = kept(({ secret }) => createPrivateKey({ key: Buffer.from(secret, "base64"), format: "der", type: "pkcs8" }));
export const ed25519Key = kept((version) => ed25519FromSeed(secretBytes(version)));
/** Of RSA, EC and ed25519. */
export const publicKey = kept(({ public: spki }) => createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" }));
/** For RSA-OAEP off the main thread, which only WebCrypto does. */
export const oaepKey = kept(({ secret }) => crypto.subtle.importKey("pkcs8", Buffer.from(secret, "base64"), { name: "RSA-OAEP", hash: "SHA-256" }, false, ["decrypt"]));

/** The last 32 bytes of the SubjectPublicKeyInfo of an ed25519 key are the key. */
export const rawEd25519PublicKey = kept(({ public: spki }) => Buffer.from(spki, "base64").subarray(-SEED_BYTES));
