import type { Key } from "openpgp";
import { invalid } from "../errors.js";

/** Key shares and tokens for their holders' eyes only: OpenPGP messages (RFC 9580), binary, as Vault makes them. */

export interface PgpRecipient {
  /** Hex, lower case, of the primary key. */
  readonly fingerprint: string;
  encrypt(plaintext: Uint8Array): Promise<Uint8Array>;
}

/** Loaded when it is first needed: few nodes ever need it. */
const library = () => import("openpgp");

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** Public keys in base64, binary within. Throws RequestError 400. */
export async function pgpRecipients(keys: readonly string[]): Promise<readonly PgpRecipient[]> {
  return Promise.all(keys.map(pgpRecipient));
}

export async function pgpRecipient(base64: string): Promise<PgpRecipient> {
  if (!BASE64.test(base64)) throw invalid("error decoding given PGP key: it is not base64");
  const { createMessage, encrypt, readKey } = await library();
  let key: Key;
  try {
    key = await readKey({ binaryKey: new Uint8Array(Buffer.from(base64, "base64")) });
    // A private key in the wrong hands, and a key that can only sign, are refused before anything is made for them.
    if (key.isPrivate()) throw new Error("it is a private key");
    await key.getEncryptionKey();
  } catch (error) {
    throw invalid(`error parsing given PGP key: ${error instanceof Error ? error.message : "it cannot be read"}`);
  }
  return {
    fingerprint: key.getFingerprint(),
    async encrypt(plaintext) {
      const message = await createMessage({ binary: new Uint8Array(plaintext) });
      return encrypt({ message, encryptionKeys: key, format: "binary" });
    },
  };
}

/** What holders are given: each share in hex, encrypted for the key at its place. */
export async function encryptShares(shares: readonly Uint8Array[], recipients: readonly PgpRecipient[]): Promise<readonly Uint8Array[]> {
  return Promise.all(shares.map((share, at) => recipients[at]!.encrypt(Buffer.from(Buffer.from(share).toString("hex")))));
}
