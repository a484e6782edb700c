import { RequestError, invalid } from "../errors.js";
import { jsonCodec } from "../framework/storage.js";
import { createAttempts, isAuthorised, quorumOf, settled } from "./break-glass.js";
import type { BreakGlass } from "./break-glass.js";
import { createOncePerRequest } from "./once-per-request.js";
import { encryptShares, pgpRecipients } from "./pgp.js";
import type { PgpRecipient } from "./pgp.js";
import { requireHolders } from "./quorum.js";
import { replaceQuorumKey } from "./replace-keys.js";
import { checkSealConfig } from "./seal-config.js";
import type { ShareNumbers } from "./seal-config.js";
import { KEY_BYTES } from "./sealed-value.js";
import { createShareCollection } from "./share-collection.js";
import type { ShareCollection } from "./share-collection.js";
import { sameBytes, splitKey } from "./shamir-seal.js";
import type { RekeyBackup, RekeyControl, RekeyRequest, RekeyResult, RekeyStatus, RekeyTarget } from "./rekey-control.js";

interface Verification {
  readonly key: Uint8Array;
  nonce: string;
  readonly shares: ShareCollection;
}

interface Attempt {
  readonly nonce: string;
  /** Undefined: only the root key changes, which no shares are made of. */
  readonly numbers: ShareNumbers | undefined;
  readonly recipients: readonly PgpRecipient[];
  readonly request: RekeyRequest;
  readonly shares: ShareCollection;
  verification: Verification | undefined;
  /** A quorum has agreed, and what it agreed to is being done: not twice. */
  isAgreed: boolean;
  clear(): void;
}

const backupCodec = jsonCodec<RekeyBackup>();
const BACKUP_KEYS: Readonly<Record<RekeyTarget, string>> = { barrier: "core/unseal-keys-backup", recovery: "core/recovery-keys-backup" };
const MAYBE = "leadership was lost while the new keys were stored: they may or may not be in force. Keep the old keys as well until it is clear which of them unseal a node.";

export function createRekey(parts: BreakGlass, target: RekeyTarget): RekeyControl {
  const { store, env, note } = parts;
  const attempts = createAttempts<Attempt>(parts);
  const once = createOncePerRequest();

  function requireRecoverySupport(): void {
    if (target === "recovery" && quorumOf(parts).kind !== "recovery") throw invalid("recovery rekeying not supported");
  }

  function status(): RekeyStatus {
    requireRecoverySupport();
    const attempt = attempts.current();
    const required = quorumOf(parts).secret_threshold;
    return {
      nonce: attempt?.nonce ?? "",
      started: attempt !== undefined,
      threshold: attempt?.numbers?.secret_threshold ?? 0,
      shares: attempt?.numbers?.secret_shares ?? 0,
      progress: attempt?.shares.progress() ?? 0,
      required,
      pgpFingerprints: attempt && attempt.recipients.length > 0 ? attempt.recipients.map(({ fingerprint }) => fingerprint) : null,
      backup: attempt?.request.backup ?? false,
      verificationRequired: attempt?.request.requireVerification ?? false,
      verificationNonce: attempt?.verification?.nonce ?? "",
    };
  }

  /** What the attempt will make; undefined numbers for a root key under an auto seal, of which nobody gets a share. */
  async function plan(request: RekeyRequest): Promise<Pick<Attempt, "numbers" | "recipients">> {
    const { secretShares, secretThreshold, pgpKeys, backup, requireVerification } = request;
    if (backup && pgpKeys.length === 0) throw invalid("cannot request a backup of the new keys without providing PGP keys for encryption");
    if (pgpKeys.length > 0 && pgpKeys.length !== secretShares) throw invalid("incorrect number of PGP keys for rekey");
    if (target === "barrier" && quorumOf(parts).kind === "recovery") {
      const refuse = (what: string) => invalid(`${what} not supported when rekeying the barrier key with recovery keys`);
      if (pgpKeys.length > 0) throw refuse("PGP key encryption");
      if (requireVerification) throw refuse("requiring verification");
      return { numbers: undefined, recipients: [] };
    }
    try {
      checkSealConfig(secretShares, secretThreshold);
    } catch (error) {
      throw error instanceof RequestError ? invalid(`invalid ${target === "recovery" ? "recovery" : "rekey seal"} configuration: ${error.message}`) : error;
    }
    return { numbers: { secret_shares: secretShares, secret_threshold: secretThreshold }, recipients: await pgpRecipients(pgpKeys) };
  }

  async function begin(request: RekeyRequest): Promise<Attempt> {
    const planned = await plan(request);
    if (attempts.current()) throw invalid("rekey already in progress");
    const shares = createShareCollection(quorumOf(parts).secret_threshold, "rekey");
    const attempt: Attempt = { nonce: env.uuid(), ...planned, request, shares, verification: undefined, isAgreed: false, clear: () => forget(attempt) };
    attempts.begin(attempt);
    note("rekey initialized", { target, nonce: attempt.nonce, shares: request.secretShares, threshold: request.secretThreshold });
    return attempt;
  }

  async function start(request: RekeyRequest): Promise<RekeyStatus> {
    requireRecoverySupport();
    requireHolders(quorumOf(parts));
    await begin(request);
    return status();
  }

  async function create(request: RekeyRequest): Promise<RekeyResult> {
    requireRecoverySupport();
    if (target !== "recovery" || quorumOf(parts).secret_threshold > 0) throw invalid("the holders of the present keys have to agree");
    const attempt = await begin(request);
    return agreed(attempt, () => withNewShares(attempt, attempt.numbers!));
  }

  async function update(share: Uint8Array, nonce: string): Promise<RekeyResult | undefined> {
    requireRecoverySupport();
    const attempt = attempts.current();
    if (!attempt) throw invalid(`no ${target} rekey in progress`);
    if (attempt.verification) throw invalid(`rekey operation already finished; verification must be performed; nonce for the verification operation is "${attempt.verification.nonce}"`);
    if (nonce !== attempt.nonce) throw invalid(`incorrect nonce supplied; nonce for this rekey operation is "${attempt.nonce}"`);
    const quorum = quorumOf(parts);
    const key = await attempt.shares.add(share);
    if (!key) return undefined;
    if (!isAuthorised(parts, quorum, key)) {
      note("rekey refused: the shares are not those of this cluster", { target, nonce });
      throw invalid(quorum.kind === "recovery" ? "recovery key verification failed: the key shares are not those of this cluster" : "root key verification failed: the key shares are not those of this cluster");
    }
    key.fill(0);
    return agreed(attempt, () => (attempt.numbers ? withNewShares(attempt, attempt.numbers) : rootKeyOnly(attempt)));
  }

  /** The same shares may have come twice at the same moment, and the attempt may have been cancelled meanwhile. */
  async function agreed<T>(attempt: Attempt, work: () => Promise<T>): Promise<T> {
    if (attempts.current() !== attempt || attempt.isAgreed) throw invalid("this rekey operation is over, or being completed");
    attempt.isAgreed = true;
    try {
      return await work();
    } finally {
      attempt.isAgreed = false;
    }
  }

  async function rootKeyOnly(attempt: Attempt): Promise<RekeyResult> {
    const isSettled = settled(await replaceQuorumKey(parts, "barrier", undefined));
    attempts.end();
    note("the root key was replaced", { nonce: attempt.nonce });
    return { nonce: attempt.nonce, shares: [], pgpFingerprints: null, backup: false, verificationRequired: false, verificationNonce: "", warnings: isSettled ? [] : [MAYBE] };
  }

  async function withNewShares(attempt: Attempt, numbers: ShareNumbers): Promise<RekeyResult> {
    const { request, recipients, nonce } = attempt;
    const newKey = env.randomBytes(KEY_BYTES);
    const made = await splitKey(newKey, numbers.secret_shares, numbers.secret_threshold);
    const shares = recipients.length > 0 ? await encryptShares(made, recipients) : made;
    const fingerprints = recipients.map(({ fingerprint }) => fingerprint);
    const backup = request.backup ? backupOf(nonce, shares, fingerprints) : undefined;
    const result = { nonce, shares, pgpFingerprints: fingerprints.length > 0 ? fingerprints : null, backup: request.backup, verificationRequired: request.requireVerification };
    // Its own copies went into messages for their holders.
    if (recipients.length > 0) for (const part of made) part.fill(0);
    if (request.requireVerification) {
      if (backup) settled((await store.transact((tx) => tx.put(BACKUP_KEYS[target], backupCodec, backup))).outcome);
      attempt.verification = { key: newKey, nonce: env.uuid(), shares: createShareCollection(numbers.secret_threshold, "verify") };
      return { ...result, verificationNonce: attempt.verification.nonce, warnings: [] };
    }
    const isSettled = settled(await replaceQuorumKey(parts, target, { key: newKey, numbers }, (tx) => backup && tx.put(BACKUP_KEYS[target], backupCodec, backup)));
    newKey.fill(0);
    attempts.end();
    note("rekeyed", { target, nonce, shares: numbers.secret_shares, threshold: numbers.secret_threshold });
    return { ...result, verificationNonce: "", warnings: isSettled ? [] : [MAYBE] };
  }

  function verifying(): { readonly attempt: Attempt; readonly verification: Verification; readonly numbers: ShareNumbers } {
    requireRecoverySupport();
    const attempt = attempts.current();
    if (!attempt) throw invalid("no rekey in progress");
    if (!attempt.verification || !attempt.numbers) throw invalid("no rekey verification in progress");
    return { attempt, verification: attempt.verification, numbers: attempt.numbers };
  }

  async function verify(share: Uint8Array, nonce: string): Promise<{ readonly nonce: string } | undefined> {
    const { attempt, verification, numbers } = verifying();
    if (nonce !== verification.nonce) throw invalid(`incorrect nonce supplied; nonce for this verify operation is "${verification.nonce}"`);
    const key = await verification.shares.add(share);
    if (!key) return undefined;
    const isRight = sameBytes(key, verification.key);
    key.fill(0);
    if (!isRight) {
      verification.nonce = env.uuid();
      note("rekey verification failed", { target });
      throw invalid("rekey verification failed; incorrect key shares supplied");
    }
    if (!settled(await agreed(attempt, () => replaceQuorumKey(parts, target, { key: verification.key, numbers })))) throw invalid(MAYBE);
    attempts.end();
    note("rekeyed and verified", { target, shares: numbers.secret_shares, threshold: numbers.secret_threshold });
    return { nonce };
  }

  return {
    status,
    start: (requestId, request) => once(requestId, () => start(request)),
    create: (requestId, request) => once(requestId, () => create(request)),
    cancel() {
      requireRecoverySupport();
      attempts.end();
    },
    forget: () => attempts.end(),
    update: (requestId, share, nonce) => once(requestId, () => update(share, nonce)),
    verifyStatus() {
      requireRecoverySupport();
      const attempt = attempts.current();
      if (!attempt) throw invalid("no rekey configuration found");
      const { verification, numbers } = attempt;
      return { nonce: verification?.nonce ?? "", started: verification !== undefined, threshold: numbers?.secret_threshold ?? 0, shares: numbers?.secret_shares ?? 0, progress: verification?.shares.progress() ?? 0 };
    },
    verify: (requestId, share, nonce) => once(requestId, () => verify(share, nonce)),
    restartVerification() {
      const { verification } = verifying();
      verification.shares.clear();
      verification.nonce = env.uuid();
    },
    backup: () => store.evaluate((tx) => tx.get(BACKUP_KEYS[target], backupCodec)).value,
    async deleteBackup() {
      settled((await store.transact((tx) => tx.delete(BACKUP_KEYS[target]))).outcome);
    },
  };
}

function forget({ shares, verification }: Attempt): void {
  shares.clear();
  verification?.shares.clear();
  verification?.key.fill(0);
}

function backupOf(nonce: string, shares: readonly Uint8Array[], fingerprints: readonly string[]): RekeyBackup {
  const keys: Record<string, string[]> = {};
  shares.forEach((share, at) => (keys[fingerprints[at]!] ??= []).push(Buffer.from(share).toString("hex")));
  return { nonce, keys };
}
