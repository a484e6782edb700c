import type { KMSClient, KMSClientConfig } from "@aws-sdk/client-kms";
import type { Seal } from "./seal.js";

/**
 * AWS KMS wraps the root key itself: 32 bytes are within what kms:Encrypt takes (4096), so no data key stands between. The
 * caller needs kms:Encrypt and kms:Decrypt on the key, and nothing else.
 */

const CONNECT_TIMEOUT_MS = 5000;
const TIMEOUT_MS = 10_000;
/** The caller tries again, later and in words. */
const ATTEMPTS = 1;

/** The SDK is loaded when it is first needed: it takes longer than all of the rest of the start. */
const sdk = () => import("@aws-sdk/client-kms");

export function createAwskmsSeal(options: Readonly<Record<string, string>>): Seal {
  const keyId = options["kms_key_id"] ?? "";
  let made: Promise<KMSClient> | undefined;
  const client = (): Promise<KMSClient> => (made ??= sdk().then(({ KMSClient: Kms }) => new Kms(clientConfig(options))));
  return {
    keyId,
    async wrap(plaintext) {
      const { EncryptCommand } = await sdk();
      const { CiphertextBlob: blob } = await told(keyId, (await client()).send(new EncryptCommand({ KeyId: keyId, Plaintext: plaintext })));
      if (!blob) throw new Error(`AWS KMS gave no ciphertext for the key ${keyId}`);
      return Buffer.from(blob).toString("base64");
    },
    async unwrap(ciphertext) {
      const { DecryptCommand } = await sdk();
      // The blob names its key; asking for this one keeps a blob of somebody else's key from being opened.
      const { Plaintext: plaintext } = await told(keyId, (await client()).send(new DecryptCommand({ KeyId: keyId, CiphertextBlob: Buffer.from(ciphertext, "base64") })));
      if (!plaintext) throw new Error(`AWS KMS gave no plaintext for the key ${keyId}`);
      return plaintext;
    },
    close() {
      void made?.then((one) => one.destroy());
    },
  };
}

/** Without credentials of its own it looks where every AWS tool does: variables, shared files, web identity, the machine's role. */
function clientConfig(options: Readonly<Record<string, string>>): KMSClientConfig {
  const { region, endpoint, access_key: accessKeyId, secret_key: secretAccessKey, session_token: sessionToken, shared_creds_profile: profile } = options;
  return {
    ...(region && { region }),
    // Guides write endpoint = "" for the usual one.
    ...(endpoint && { endpoint }),
    ...(profile && { profile }),
    ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) } }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: TIMEOUT_MS },
  };
}

async function told<T>(keyId: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { name, message, code } = error as { readonly name?: string; readonly message?: string; readonly code?: string };
    throw new Error(`AWS KMS, key ${keyId}: ${[name === "Error" ? "" : name, message || code].filter(Boolean).join(": ")}`);
  }
}
