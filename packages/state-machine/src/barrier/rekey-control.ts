/** sys/rekey: other keys by the agreement of a quorum of holders of the present ones. */

/** `barrier`: the unseal key, or under an auto seal the root key alone. `recovery`: the recovery key. */
export type RekeyTarget = "barrier" | "recovery";

export interface RekeyRequest {
  readonly secretShares: number;
  readonly secretThreshold: number;
  readonly pgpKeys: readonly string[];
  readonly backup: boolean;
  readonly requireVerification: boolean;
}

export interface RekeyStatus {
  /** Empty where none is under way. */
  readonly nonce: string;
  readonly started: boolean;
  readonly threshold: number;
  readonly shares: number;
  readonly progress: number;
  /** Shares of the present key that it takes. */
  readonly required: number;
  readonly pgpFingerprints: readonly string[] | null;
  readonly backup: boolean;
  readonly verificationRequired: boolean;
  /** Empty until the new shares wait to be verified. */
  readonly verificationNonce: string;
}

export interface RekeyResult {
  readonly nonce: string;
  /** Bytes to show: shares, or PGP messages that hold them. None where only the root key changed. */
  readonly shares: readonly Uint8Array[];
  readonly pgpFingerprints: readonly string[] | null;
  readonly backup: boolean;
  readonly verificationRequired: boolean;
  readonly verificationNonce: string;
  /** The shares are told even where it is not known whether they are in force: lost, they would be lost for good. */
  readonly warnings: readonly string[];
}

export interface RekeyVerifyStatus {
  readonly nonce: string;
  readonly started: boolean;
  readonly threshold: number;
  readonly shares: number;
  readonly progress: number;
}

/** The PGP messages of the last rekey, in hex, by the fingerprint of their keys. */
export interface RekeyBackup {
  readonly nonce: string;
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

/** Everything throws RequestError 400 for what the caller did wrong; a request that is evaluated again counts once. */
export interface RekeyControl {
  status(): RekeyStatus;
  start(requestId: string, request: RekeyRequest): Promise<RekeyStatus>;
  /** Makes a recovery key at once where there is none: no holder could agree. Its caller has to have shown a token. */
  create(requestId: string, request: RekeyRequest): Promise<RekeyResult>;
  cancel(): void;
  /** Overwrites what was given so far: this node is sealed. Never throws. */
  forget(): void;
  /** Undefined while shares are missing. */
  update(requestId: string, share: Uint8Array, nonce: string): Promise<RekeyResult | undefined>;
  verifyStatus(): RekeyVerifyStatus;
  /** Undefined while shares are missing. */
  verify(requestId: string, share: Uint8Array, nonce: string): Promise<{ readonly nonce: string } | undefined>;
  restartVerification(): void;
  backup(): RekeyBackup | undefined;
  deleteBackup(): Promise<void>;
}
