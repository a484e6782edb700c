import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { randomText } from "../tokens/entry.js";
import { createAttempts, isAuthorised, quorumOf } from "./break-glass.js";
import type { BreakGlass } from "./break-glass.js";
import { requireHolders } from "./quorum.js";
import type { Quorum } from "./quorum.js";
import { createOncePerRequest } from "./once-per-request.js";
import { pgpRecipient } from "./pgp.js";
import type { PgpRecipient } from "./pgp.js";
import { createShareCollection } from "./share-collection.js";
import type { ShareCollection } from "./share-collection.js";

export interface GenerateRootStatus {
  readonly started: boolean;
  /** Empty where none is under way. */
  readonly nonce: string;
  readonly progress: number;
  readonly required: number;
  readonly pgpFingerprint: string;
  /** Characters that a one-time password needs. */
  readonly otpLength: number;
}

export interface GenerateRootUpdate extends GenerateRootStatus {
  /** There once the quorum has agreed: what the holder of the password or of the PGP key is given of the new token. */
  readonly encode?: (token: string) => Promise<string>;
}

/** sys/generate-root, sys/generate-recovery-token: a token by the agreement of a quorum. Everything throws RequestError 400 for what the caller did wrong. */
export interface GenerateRootControl {
  status(): GenerateRootStatus;
  /** With neither a password nor a key, a password is made, and told this once. */
  start(requestId: string, by: { readonly otp: string; readonly pgpKey: string }): Promise<GenerateRootStatus & { readonly otp: string }>;
  /** Nothing under way is no error. */
  cancel(): void;
  update(requestId: string, share: Uint8Array, nonce: string): Promise<GenerateRootUpdate>;
}

type Secrecy = { readonly kind: "otp"; readonly otp: string } | { readonly kind: "pgp"; readonly recipient: PgpRecipient };

interface Attempt {
  readonly nonce: string;
  readonly secrecy: Secrecy;
  readonly shares: ShareCollection;
  clear(): void;
}

/** As many as a root token has: "hvs." and 24 more. */
const OTP_LENGTH = 28;

/** What the agreement of a quorum is worth. */
export interface Agreement {
  /** What is made, for messages. */
  readonly what: "root" | "recovery token";
  /** Throws RequestError where none can be made now. */
  readonly check: () => void;
  /** What to do once nothing is in the way any more; undefined where the combined key is a wrong one. Overwrites the key. */
  readonly authorise: (quorum: Quorum, key: Uint8Array) => Promise<(() => void) | undefined>;
}

const rootOf = (parts: BreakGlass): Agreement => ({
  what: "root",
  check: () => undefined,
  async authorise(quorum, key) {
    const isRight = isAuthorised(parts, quorum, key);
    key.fill(0);
    return isRight ? () => undefined : undefined;
  },
});

export function createGenerateRoot(parts: BreakGlass, { what, check, authorise }: Agreement = rootOf(parts)): GenerateRootControl {
  const attempts = createAttempts<Attempt>(parts);
  const once = createOncePerRequest();

  function status(): GenerateRootStatus {
    check();
    const attempt = attempts.current();
    const { secret_threshold: required } = quorumOf(parts);
    const pgpFingerprint = attempt?.secrecy.kind === "pgp" ? attempt.secrecy.recipient.fingerprint : "";
    return { started: attempt !== undefined, nonce: attempt?.nonce ?? "", progress: attempt?.shares.progress() ?? 0, required, pgpFingerprint, otpLength: OTP_LENGTH };
  }

  async function start({ otp, pgpKey }: { readonly otp: string; readonly pgpKey: string }): Promise<GenerateRootStatus & { readonly otp: string }> {
    check();
    if (otp !== "" && Buffer.byteLength(otp) !== OTP_LENGTH) throw invalid("OTP string has incorrect length");
    const made = otp === "" && pgpKey === "" ? newOtp(parts.env) : "";
    const secrecy: Secrecy = otp === "" && pgpKey !== "" ? { kind: "pgp", recipient: await pgpRecipient(pgpKey) } : { kind: "otp", otp: otp || made };
    if (attempts.current()) throw invalid(`${what} generation already in progress`);
    const quorum = quorumOf(parts);
    requireHolders(quorum);
    const shares = createShareCollection(quorum.secret_threshold, "generation");
    const nonce = parts.env.uuid();
    attempts.begin({ nonce, secrecy, shares, clear: () => shares.clear() });
    parts.note(`${what} generation initialized`, { nonce });
    return { ...status(), otp: made };
  }

  async function update(share: Uint8Array, nonce: string): Promise<GenerateRootUpdate> {
    check();
    const attempt = attempts.current();
    if (!attempt) throw invalid(`no ${what} generation in progress`);
    if (nonce !== attempt.nonce) throw invalid(`incorrect nonce supplied; nonce for this ${what} generation operation is "${attempt.nonce}"`);
    const key = await attempt.shares.add(share);
    if (!key) return status();
    const agreed = await authorise(quorumOf(parts), key);
    if (!agreed) {
      parts.note(`${what} generation aborted: the shares are not those of this cluster`, { nonce });
      throw invalid(`${what} generation aborted: the key shares are not those of this cluster`);
    }
    // The same shares may have come twice at the same moment, and the attempt may have been cancelled meanwhile.
    if (attempts.current() !== attempt) throw invalid(`no ${what} generation in progress`);
    const { required, ...done } = status();
    attempts.end();
    agreed();
    parts.note(`${what} generation finished`, { nonce });
    return { ...done, required, progress: required, encode: encoder(attempt.secrecy) };
  }

  return {
    status,
    start: (requestId, by) => once(requestId, () => start(by)),
    cancel: () => attempts.end(),
    update: (requestId, share, nonce) => once(requestId, () => update(share, nonce)),
  };
}

export const newOtp = (env: Environment): string => randomText(env, OTP_LENGTH);

/** Vault's encodings: base64 without padding of token XOR password, or base64 of the PGP message. */
function encoder(secrecy: Secrecy): (token: string) => Promise<string> {
  if (secrecy.kind === "otp") return async (token) => xor(Buffer.from(token), Buffer.from(secrecy.otp)).toString("base64").replace(/=+$/, "");
  return async (token) => Buffer.from(await secrecy.recipient.encrypt(Buffer.from(token))).toString("base64");
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  if (a.length !== b.length) throw new Error("the token and its password differ in length");
  return Buffer.from(a.map((byte, at) => byte ^ b[at]!));
}
