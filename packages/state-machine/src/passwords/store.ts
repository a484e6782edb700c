import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { Codec, ReadStorage, WriteStorage } from "../framework/storage.js";
import { generatePassword } from "./generate.js";
import { DEFAULT_PASSWORD_POLICY, parsePasswordPolicy } from "./policy.js";
import type { PasswordPolicy } from "./policy.js";

/** Below `core/`: `password_policy/<name>`, the text as it was written. */
const FOLDER = "password_policy/";
const textCodec = jsonCodec<{ readonly policy: string }>();

interface StoredPasswordPolicy {
  readonly text: string;
  readonly policy: PasswordPolicy;
}

/** Parsed once per version, by the store's cache of decoded values. */
const codec: Codec<StoredPasswordPolicy> = {
  encode: ({ text }) => textCodec.encode({ policy: text }),
  decode: (bytes) => {
    const { policy: text } = textCodec.decode(bytes);
    return { text, policy: parsePasswordPolicy(text) };
  },
};

/** All of these take storage scoped to `core/`. */
export function getPasswordPolicy(storage: ReadStorage, name: string): StoredPasswordPolicy | undefined {
  return storage.get(FOLDER + name, codec);
}

/** Throws RequestError 400 for a text that is no policy. */
export function putPasswordPolicy(storage: WriteStorage, name: string, text: string): void {
  storage.put(FOLDER + name, codec, { text, policy: parsePasswordPolicy(text) });
}

export function deletePasswordPolicy(storage: WriteStorage, name: string): void {
  storage.delete(FOLDER + name);
}

export function listPasswordPolicies(storage: ReadStorage): Promise<string[]> {
  return storage.list(FOLDER);
}

/** A password by the policy of that name; an empty one means the default rules. Throws RequestError 400 where there is none. */
export function passwordBy(storage: ReadStorage, name: string, env: Environment): string {
  const policy = name === "" ? DEFAULT_PASSWORD_POLICY : getPasswordPolicy(storage, name)?.policy;
  if (!policy) throw invalid(`failed to generate password: no password policy found with name ${JSON.stringify(name)}`);
  return generatePassword(policy, env.randomBytes);
}
