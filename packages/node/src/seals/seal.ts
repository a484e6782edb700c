/** One way to wrap the root key: a KMS, another cluster, a key of this machine. */
export interface Seal {
  /** Which key wraps now: a wrap of another one is made anew. Shown to operators, so nothing secret. */
  readonly keyId: string;
  /** Rejects in words for an operator, without anything secret. */
  wrap(plaintext: Uint8Array): Promise<string>;
  /** Rejects likewise; also for what another key wrapped. The caller overwrites what it got. */
  unwrap(ciphertext: string): Promise<Uint8Array>;
  close(): void;
}

export type SealType = "awskms" | "transit" | "static";
