/** Named objects somewhere else, of which one process at a time is the owner. */
export interface ObjectStore {
  /** What one object holds at most. Bytes. */
  readonly maxBytes: number;
  /** Names that begin with `prefix`, in order. */
  list(prefix: string): Promise<readonly string[]>;
  get(name: string): Promise<Uint8Array | undefined>;
  /**
   * Writes an object. Once it resolves, it is durable and this process was still the owner after it was there: whoever becomes
   * the owner later finds it. What stands under that name is replaced only by the owner. Rejects with BackendLost where another
   * process has become the owner; after any other error it may be there or not, and may be repeated.
   */
  put(name: string, bytes: Uint8Array): Promise<void>;
  remove(names: readonly string[]): Promise<void>;
  /** Whether nobody else can be the owner just now. */
  isHeld(): boolean;
  /** Gives the ownership back. */
  close(): Promise<void>;
}
