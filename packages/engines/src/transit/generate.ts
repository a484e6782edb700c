import { createPublicKey, generateKeyPair } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { Environment } from "@coffer/state-machine";
import { ed25519FromSeed } from "./material.js";
import { typeOf } from "./key-types.js";
import type { AeadType, EcType, Ed25519Type, HmacType, KeyTypeName, RsaType } from "./key-types.js";
import type { KeyVersion } from "./storage.js";

/** Runs on libuv's pool: an RSA key of 4096 bits takes seconds. */
const generate = promisify(generateKeyPair);

const HMAC_BYTES = 32;
const SEED_BYTES = 32;
/** The only way of convergence that is still used; see `nonceFor` in `encryption.ts`. */
export const CONVERGENT_VERSION = 3;

export type Material = Pick<KeyVersion, "secret" | "public">;

export interface VersionSettings {
  readonly type: KeyTypeName;
  readonly key_size: number;
  readonly convergent_encryption: boolean;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export const spkiOf = (key: KeyObject): string => base64((key.type === "private" ? createPublicKey(key) : key).export({ format: "der", type: "spki" }));

/** How a private key is stored. */
export function privateMaterial(key: KeyObject): Material {
  const spki = spkiOf(key);
  if (key.asymmetricKeyType !== "ed25519") return { secret: base64(key.export({ format: "der", type: "pkcs8" })), public: spki };
  const seed = Buffer.from(key.export({ format: "jwk" }).d!, "base64url");
  return { secret: base64(Buffer.concat([seed, Buffer.from(spki, "base64").subarray(-SEED_BYTES)])), public: spki };
}

export function publicMaterial(key: KeyObject): Material {
  return { secret: "", public: spkiOf(key) };
}

/** A version around key material. `hmac`: absent for one of its own. */
export function versionOf(material: Material, settings: VersionSettings, env: Environment): KeyVersion {
  const { type, convergent_encryption: converges } = settings;
  return {
    ...material,
    created: new Date(env.now()).toISOString(),
    hmac: type === "hmac" ? material.secret : base64(env.randomBytes(HMAC_BYTES)),
    convergent_version: converges ? CONVERGENT_VERSION : 0,
    certificate_chain: [],
  };
}

/** Fresh key material of a type that needs no search for it. */
export function quickVersion(settings: VersionSettings, env: Environment): KeyVersion {
  const type = typeOf(settings.type) as AeadType | HmacType | Ed25519Type;
  switch (type.family) {
    case "aead":
      return versionOf({ secret: base64(env.randomBytes(type.keyBytes)), public: "" }, settings, env);
    case "hmac":
      return versionOf({ secret: base64(env.randomBytes(settings.key_size)), public: "" }, settings, env);
    case "ed25519":
      return versionOf(privateMaterial(ed25519FromSeed(env.randomBytes(SEED_BYTES))), settings, env);
  }
}

/** Fresh key material of any type. RSA and EC keys take their chance from OpenSSL, the others from `env`. */
export async function newVersion(settings: VersionSettings, env: Environment): Promise<KeyVersion> {
  const type = typeOf(settings.type);
  if (type.family === "rsa" || type.family === "ec") return versionOf(privateMaterial(await generateAsymmetric(type)), settings, env);
  return quickVersion(settings, env);
}

async function generateAsymmetric(type: RsaType | EcType): Promise<KeyObject> {
  const { privateKey } = type.family === "rsa" ? await generate("rsa", { modulusLength: type.bits, publicExponent: 0x10001 }) : await generate("ec", { namedCurve: type.opensslCurve });
  return privateKey;
}
