import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import { privateMaterial, publicMaterial } from "./generate.js";
import type { Material } from "./generate.js";
import { capabilitiesOf, HMAC_KEY_BYTES, typeOf } from "./key-types.js";
import type { KeyType, KeyTypeName } from "./key-types.js";
import { parsePkcs8 } from "./key-wrapping.js";

/** Throws RequestError 400 unless the key is of the type. */
function checkType(key: KeyObject, name: KeyTypeName, type: KeyType): void {
  const { asymmetricKeyType: found, asymmetricKeyDetails: details } = key;
  if (found !== type.family) throw invalid(`invalid key type: expected ${name}, got ${found}`);
  if (type.family === "rsa" && details?.modulusLength !== type.bits) throw invalid(`invalid key size: expected ${type.bits} bits, got ${details?.modulusLength}`);
  if (type.family === "ec" && details?.namedCurve !== type.opensslCurve) throw invalid(`invalid curve: expected ${type.curve}, got ${details?.namedCurve}`);
}

/** A private or symmetric key, unwrapped. Throws RequestError 400. */
export function importedMaterial(name: KeyTypeName, key: Uint8Array): Material {
  const type = typeOf(name);
  if (type.family === "aead" || type.family === "hmac") {
    const { least, most } = type.family === "aead" ? { least: type.keyBytes, most: type.keyBytes } : HMAC_KEY_BYTES;
    if (key.length < least || key.length > most) throw invalid(`invalid key size ${key.length} bytes for key type ${name}`);
    return { secret: Buffer.from(key).toString("base64"), public: "" };
  }
  const parsed = parsePkcs8(key);
  checkType(parsed, name, type);
  return privateMaterial(parsed);
}

/** Throws RequestError 400. */
export function importedPublicMaterial(name: KeyTypeName, pem: string, derived: boolean): Material {
  if (!capabilitiesOf(name).publicKey) throw invalid("provided type does not support public_key import");
  if (derived) throw invalid("unable to import only public key for derived Ed25519 key: imported key should not be an Ed25519 key pair but is instead an HKDF key");
  let key: KeyObject;
  try {
    if (pem.includes("PRIVATE KEY")) throw new TypeError("a private key");
    key = createPublicKey(pem);
  } catch {
    throw invalid("error parsing public key: not a public key in PEM format");
  }
  checkType(key, name, typeOf(name));
  return publicMaterial(key);
}
