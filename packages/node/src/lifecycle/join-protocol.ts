import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import nacl from "tweetnacl";

/**
 * How a joining node proves that it can unseal: the active node seals a random value under a key that only holders of the
 * root key can derive; the joiner opens it and sends it back, sealed again, bound to its id and to the public key that it
 * wants certified. Nothing in either direction is secret from a member, and nothing helps an outsider.
 *
 * The active node keeps nothing of a challenge it gave out, as the endpoint takes no token (CVE-2024-8185): what it needs to
 * know stands in the challenge, which nobody else can make. It only remembers those that were answered rightly.
 */
const RANDOM_BYTES = 32;
const EXPIRY_BYTES = 8;
const LIFETIME_MS = 5 * 60_000;

/** Secretbox (XSalsa20-Poly1305) with the nonce in front. */
export function seal(key: Uint8Array, message: Uint8Array): Uint8Array {
  const nonce = randomBytes(nacl.secretbox.nonceLength);
  return Buffer.concat([nonce, nacl.secretbox(message, nonce, key)]);
}

/** Undefined for what was not sealed with this key. */
export function open(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  const nonceLength = nacl.secretbox.nonceLength;
  if (sealed.length < nonceLength + nacl.secretbox.overheadLength) return undefined;
  return nacl.secretbox.open(new Uint8Array(sealed.subarray(nonceLength)), new Uint8Array(sealed.subarray(0, nonceLength)), key) ?? undefined;
}

const digest = (text: string) => createHash("sha256").update(text).digest();
const CHALLENGE_BYTES = RANDOM_BYTES + EXPIRY_BYTES + digest("").length;

function binding(serverId: string, publicKey: string): Uint8Array {
  return createHash("sha256").update(serverId).update("\0").update(publicKey).digest();
}

export interface ChallengeBook {
  challenge(joinKey: Uint8Array, serverId: string): Uint8Array;
  /** True once for each challenge of the last five minutes, when it is answered by the server it was given to. */
  accept(joinKey: Uint8Array, serverId: string, publicKey: string, answer: Uint8Array): boolean;
}

/** `now` gives milliseconds since 1970. */
export function createChallengeBook(now: () => number): ChallengeBook {
  // By their random part, when they expire. Only who holds the root key makes this grow.
  const answered = new Map<string, number>();

  return {
    challenge(joinKey, serverId) {
      const expiry = Buffer.alloc(EXPIRY_BYTES);
      expiry.writeBigUInt64BE(BigInt(now() + LIFETIME_MS));
      return seal(joinKey, Buffer.concat([randomBytes(RANDOM_BYTES), expiry, digest(serverId)]));
    },
    accept(joinKey, serverId, publicKey, answer) {
      const opened = open(joinKey, answer);
      if (!opened || opened.length <= CHALLENGE_BYTES) return false;
      const [challenge, bound] = [Buffer.from(opened.subarray(0, CHALLENGE_BYTES)), opened.subarray(CHALLENGE_BYTES)];
      const expected = Buffer.concat([digest(serverId), binding(serverId, publicKey)]);
      const given = Buffer.concat([challenge.subarray(RANDOM_BYTES + EXPIRY_BYTES), bound]);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
      const expires = Number(challenge.readBigUInt64BE(RANDOM_BYTES));
      const time = now();
      const id = challenge.toString("base64", 0, RANDOM_BYTES);
      if (expires < time || expires > time + LIFETIME_MS || answered.has(id)) return false;
      for (const [known, itsExpiry] of answered) if (itsExpiry < time) answered.delete(known);
      answered.set(id, expires);
      return true;
    },
  };
}

/** The joiner's answer, or undefined when its root key is not this cluster's. */
export function answerChallenge(joinKey: Uint8Array, challenge: Uint8Array, serverId: string, publicKey: string): Uint8Array | undefined {
  const opened = open(joinKey, challenge);
  if (!opened) return undefined;
  return seal(joinKey, Buffer.concat([opened, binding(serverId, publicKey)]));
}
