import { readFileSync } from "node:fs";
import { openValue, sealValue } from "@coffer/state-machine";
import { ConfigurationError } from "../configuration/environment.js";
import type { Environment } from "../configuration/environment.js";
import type { Seal } from "./seal.js";

/** A key that the machine is given: by the file, by a variable, by a secret of its orchestrator. AES-256-GCM. */

const KEY_BYTES = 32;
const PLACE = "seal/static";
const TERM = 0;

interface StaticKey {
  readonly id: string;
  readonly key: Uint8Array;
}

export function createStaticSeal(options: Readonly<Record<string, string>>, environment: Environment): Seal {
  const current: StaticKey = { id: options["current_key_id"] ?? "", key: readKey("current_key", options["current_key"] ?? "", environment) };
  const previous = options["previous_key"];
  const keys: readonly StaticKey[] = previous === undefined ? [current] : [current, { id: options["previous_key_id"] ?? "", key: readKey("previous_key", previous, environment) }];
  return {
    keyId: current.id,
    wrap: async (plaintext) => JSON.stringify({ key_id: current.id, sealed: Buffer.from(sealValue(current.key, TERM, PLACE, plaintext)).toString("base64") }),
    async unwrap(ciphertext) {
      const { key_id: id, sealed } = JSON.parse(ciphertext) as { readonly key_id: string; readonly sealed: string };
      const found = keys.find((one) => one.id === id);
      if (!found) throw new Error(`the root key was wrapped by the key ${JSON.stringify(id)}, which is neither current_key_id nor previous_key_id`);
      try {
        return openValue(found.key, PLACE, Buffer.from(sealed, "base64"));
      } catch {
        throw new Error(`the key ${JSON.stringify(id)} is another one than the root key was wrapped by`);
      }
    },
    close() {
      for (const { key } of keys) key.fill(0);
    },
  };
}

/** 32 bytes in base64 or hex; `env://NAME` and `file:///path` say where they are, and a file may hold them raw. */
function readKey(name: string, given: string, environment: Environment): Uint8Array {
  const problem = (what: string) => new ConfigurationError(`seal "static": ${name} ${what}`);
  let bytes: Buffer;
  if (given.startsWith("file://")) {
    try {
      bytes = readFileSync(given.slice("file://".length));
    } catch (error) {
      throw problem(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown error"}`);
    }
    if (bytes.length === KEY_BYTES) return new Uint8Array(bytes);
  } else if (given.startsWith("env://")) {
    const value = environment[given.slice("env://".length)];
    if (!value) throw problem(`names the environment variable ${given.slice("env://".length)}, which is not set`);
    bytes = Buffer.from(value);
  } else bytes = Buffer.from(given);
  const text = bytes.toString("latin1").trim();
  const key = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, "hex") : /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, "base64") : undefined;
  if (!key) throw problem("is not a key of 32 bytes in base64 or hex");
  return new Uint8Array(key);
}
