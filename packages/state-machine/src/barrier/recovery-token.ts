import { createHash } from "node:crypto";
import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { randomText } from "../tokens/entry.js";
import type { BarrierKeys } from "./barrier.js";
import type { BreakGlass } from "./break-glass.js";
import { createGenerateRoot } from "./generate-root.js";
import type { GenerateRootControl } from "./generate-root.js";
import { keysBySeals, keysByUnsealKey } from "./initialize.js";
import type { RawReads } from "./initialize.js";
import { isQuorumKey } from "./quorum.js";
import type { Quorum } from "./quorum.js";
import { BarrierError } from "./sealed-value.js";
import { sameBytes } from "./shamir-seal.js";

/** As Vault's: this and 24 more, as many as its one-time password has. */
const PREFIX = "hvr.";
const TOKEN_LENGTH = 24;

const digest = (text: string) => createHash("sha256").update(text).digest();

/** sys/generate-recovery-token: the quorum unseals the node, and gets the one token that it takes. */
export interface RecoveryTokens {
  readonly generateRoot: GenerateRootControl;
  /** In place of the one before. */
  make(): string;
  /** In constant time. */
  is(text: string): boolean;
}

/** `onUnsealed` when the barrier has its keys. */
export function createRecoveryTokens(parts: BreakGlass, onUnsealed: () => void): RecoveryTokens {
  const { store, barrier, env, seals } = parts;
  const raw: RawReads = { getRaw: (key) => store.evaluate((tx) => tx.getRaw(key)).value };
  let current: Uint8Array | undefined;

  async function open({ kind }: Quorum, key: Uint8Array): Promise<BarrierKeys | undefined> {
    if (kind === "recovery") return keysBySeals(raw, seals);
    try {
      return keysByUnsealKey(raw, key);
    } catch (error) {
      if (error instanceof BarrierError || error instanceof RangeError || error instanceof TypeError) return undefined;
      throw error;
    }
  }

  const generateRoot = createGenerateRoot(parts, {
    what: "recovery token",
    check() {
      if (!barrier.sealed()) throw invalid("attempted to generate recovery operation token when already unsealed");
    },
    async authorise(quorum, key) {
      try {
        const keys = await open(quorum, key);
        if (!keys) return undefined;
        if (!isQuorumKey(raw, keys, quorum, key)) {
          for (const secret of [keys.rootKey, ...keys.keyring.map((term) => term.key)]) secret.fill(0);
          return undefined;
        }
        return () => {
          barrier.unlock(keys);
          onUnsealed();
        };
      } finally {
        key.fill(0);
      }
    },
  });

  return {
    generateRoot,
    make() {
      const text = newRecoveryToken(env);
      current = digest(text);
      return text;
    },
    is: (text) => current !== undefined && sameBytes(current, digest(text)),
  };
}

const newRecoveryToken = (env: Environment) => PREFIX + randomText(env, TOKEN_LENGTH);
