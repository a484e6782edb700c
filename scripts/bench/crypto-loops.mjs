import { createCipheriv, createDecipheriv, createHmac, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";

/** Calls between two looks at the clock, for what takes microseconds. */
const SLICE = 64;

/** Calls a second of one thread that does nothing else. */
export function rateOf(seconds, call, slice = SLICE) {
  const begin = performance.now();
  const end = begin + seconds * 1000;
  let count = 0;
  while (performance.now() < end) {
    for (let i = 0; i < slice; i++) call();
    count += slice;
  }
  return count / ((performance.now() - begin) / 1000);
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

function seal(key, plaintext) {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function open(key, sealed) {
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}

/** Base64 to AES-256-GCM to base64, as an encryption service has to. */
export function encryptLoop(plaintext) {
  const key = randomBytes(32);
  return (seconds) => rateOf(seconds, () => seal(key, Buffer.from(plaintext, "base64")).toString("base64"));
}

export function decryptLoop(plaintext) {
  const key = randomBytes(32);
  const ciphertext = seal(key, Buffer.from(plaintext, "base64")).toString("base64");
  return (seconds) => rateOf(seconds, () => open(key, Buffer.from(ciphertext, "base64")).toString("base64"));
}

export function signLoop(message) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return (seconds) => rateOf(seconds, () => sign("sha256", Buffer.from(message, "base64"), privateKey), 8);
}

export function verifyLoop(message) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bytes = Buffer.from(message, "base64");
  const signature = sign("sha256", bytes, privateKey);
  return (seconds) => rateOf(seconds, () => verify("sha256", bytes, publicKey, signature), 8);
}

/** A key pair and a signature over what is about as long as a certificate: the least that an issued one costs. */
export function issueLoop() {
  const { privateKey: authority } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const toBeSigned = randomBytes(700);
  return (seconds) => rateOf(seconds, () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256", publicKeyEncoding: { type: "spki", format: "der" }, privateKeyEncoding: { type: "sec1", format: "pem" } });
    return [privateKey, sign("sha256", toBeSigned, authority)];
  }, 8);
}

/** An Ed25519 signature over what is about as long as an SSH certificate. */
export function certifyLoop() {
  const { privateKey } = generateKeyPairSync("ed25519");
  const toBeSigned = randomBytes(350);
  return (seconds) => rateOf(seconds, () => sign(null, toBeSigned, privateKey), 8);
}

/** The HMAC that a one-time password is cut from (RFC 4226). */
export function hmacLoop() {
  const [key, step] = [randomBytes(20), randomBytes(8)];
  return (seconds) => rateOf(seconds, () => createHmac("sha1", key).update(step).digest().readUInt32BE(0));
}
