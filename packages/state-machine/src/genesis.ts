import type { Environment } from "./framework/engine.js";
import type { WriteStorage } from "./framework/storage.js";
import { writeMissingMounts } from "./mounts/index.js";
import { writeDefaultPolicy } from "./policy/index.js";
import { createRootToken, writeTokenSalt } from "./tokens/index.js";

export interface GenesisOptions {
  /** The root token's text, for -dev; made up when absent. */
  readonly rootToken?: string;
}

export interface Genesis {
  /** Shown once: storage keeps only its salted HMAC. */
  readonly rootToken: string;
}

/**
 * What a new cluster holds before its first request: mounts, default policy, token salt and root token. `storage` is
 * scoped to `core/`, of the transaction that initialises the barrier, whose keys are unlocked by then.
 */
export function writeGenesis(storage: WriteStorage, env: Environment, { rootToken }: GenesisOptions = {}): Genesis {
  writeMissingMounts(storage, env);
  writeDefaultPolicy(storage);
  writeTokenSalt(storage, env);
  return { rootToken: createRootToken(storage, env, rootToken) };
}
