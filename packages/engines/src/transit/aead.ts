import { createCipheriv, createDecipheriv } from "node:crypto";
import type { CipherGCMTypes } from "node:crypto";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import type { AeadType } from "./key-types.js";

const TAG_BYTES = 16;
const OPTIONS = Object.freeze({ authTagLength: TAG_BYTES });

/** Nonce, ciphertext and tag, in this order. */
export function seal({ cipher: name }: AeadType, key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Buffer {
  if (name === "xchacha20-poly1305") return Buffer.concat([nonce, xchacha20poly1305(key, nonce, associatedData).encrypt(plaintext)]);
  // The types of node:crypto know authTagLength for GCM only.
  const cipher = createCipheriv(name as CipherGCMTypes, key, nonce, OPTIONS);
  if (associatedData.length > 0) cipher.setAAD(associatedData);
  const sealed = cipher.update(plaintext);
  cipher.final();
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
}

/** Undefined for anything that this key did not seal with this associated data. */
export function open({ cipher: name, nonceBytes }: AeadType, key: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Buffer | undefined {
  if (sealed.length < nonceBytes + TAG_BYTES) return undefined;
  const nonce = sealed.subarray(0, nonceBytes);
  try {
    if (name === "xchacha20-poly1305") return Buffer.from(xchacha20poly1305(key, nonce, associatedData).decrypt(sealed.subarray(nonceBytes)));
    const decipher = createDecipheriv(name as CipherGCMTypes, key, nonce, OPTIONS);
    if (associatedData.length > 0) decipher.setAAD(associatedData);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plaintext = decipher.update(sealed.subarray(nonceBytes, sealed.length - TAG_BYTES));
    decipher.final();
    return plaintext;
  } catch {
    return undefined;
  }
}
