import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import nacl from "tweetnacl";

/**
 * How a joining node proves that it can unseal: the active node seals a random value under a key that only holders of the
 * root key can derive; the joiner opens it and sends it back, sealed again, bound to its id and to the public key that it
 * wants certified. Nothing in either direction is secret from a member, and nothing helps an outsider.
 */
const SECRET_BYTES = 32;
/** Outstanding challenges are bounded: the endpoint takes no token (CVE-2024-8185). */
const MAX_OUTSTANDING = 20;
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

function binding(serverId: string, publicKey: string): Uint8Array {
  return createHash("sha256").update(serverId).update("\0").update(publicKey).digest();
}

export interface ChallengeBook {
  challenge(joinKey: Uint8Array, serverId: string): Uint8Array;
  /** Each challenge is good for one answer, right or wrong. */
  accept(joinKey: Uint8Array, serverId: string, publicKey: string, answer: Uint8Array): boolean;
}

export function createChallengeBook(now: () => number): ChallengeBook {
  const outstanding = new Map<string, { secret: Uint8Array; expires: number }>();
  return {
    challenge(joinKey, serverId) {
      outstanding.delete(serverId);
      if (outstanding.size >= MAX_OUTSTANDING) outstanding.delete(outstanding.keys().next().value!);
      const secret = randomBytes(SECRET_BYTES);
      outstanding.set(serverId, { secret, expires: now() + LIFETIME_MS });
      return seal(joinKey, secret);
    },
    accept(joinKey, serverId, publicKey, answer) {
      const asked = outstanding.get(serverId);
      outstanding.delete(serverId);
      const opened = open(joinKey, answer);
      if (!asked || asked.expires < now() || !opened) return false;
      const expected = Buffer.concat([asked.secret, binding(serverId, publicKey)]);
      return opened.length === expected.length && timingSafeEqual(opened, expected);
    },
  };
}

/** The joiner's answer, or undefined when its root key is not this cluster's. */
export function answerChallenge(joinKey: Uint8Array, challenge: Uint8Array, serverId: string, publicKey: string): Uint8Array | undefined {
  const secret = open(joinKey, challenge);
  if (!secret) return undefined;
  return seal(joinKey, Buffer.concat([secret, binding(serverId, publicKey)]));
}
