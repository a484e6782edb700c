import { createPublicKey, diffieHellman } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import { hkdfSha256 } from "./derive.js";
import { NAME, requireKey } from "./crypto-fields.js";
import { versionOf } from "./generate.js";
import { capabilitiesOf, typeOf } from "./key-types.js";
import type { EcType } from "./key-types.js";
import { privateKey } from "./material.js";
import { requireType } from "./path-keys.js";
import { getKey } from "./storage.js";
import type { Key } from "./storage.js";
import { createKey, refuseSoftDeleted, requireVersion } from "./versions.js";
import type { KeySettings } from "./versions.js";

const EMPTY = Buffer.alloc(0);

/** Throws RequestError 400. */
function peerKey(pem: string, type: EcType): KeyObject {
  if (pem === "") throw invalid("peer public key not provided");
  let key: KeyObject;
  try {
    if (pem.includes("PRIVATE KEY")) throw new TypeError("a private key");
    key = createPublicKey(pem);
  } catch {
    throw invalid("failed to parse supplied peer public key PEM");
  }
  if (key.asymmetricKeyType !== "ec") throw invalid("supplied peer public key is not an ECDSA key");
  if (key.asymmetricKeyDetails?.namedCurve !== type.opensslCurve) throw invalid(`base private key type ${type.curve} does not match peer public key curve`);
  return key;
}

/** Throws RequestError 400. */
function baseVersion(key: Key, asked: number): number {
  if (asked < 0) throw invalid("requested version of the base key is negative");
  if (asked > key.latest_version) throw invalid("requested version of the base key is higher than the latest key version");
  if (asked !== 0 && asked < key.min_decryption_version) throw invalid("requested version of the base key is less than the minimum decryption version");
  return asked === 0 ? key.latest_version : asked;
}

export const deriveKeyPath = definePath({
  template: "derive-key/{name}",
  help: { synopsis: "Makes a key from an EC key and the public key of a peer.", description: "By ECDH, then HKDF with SHA-256 (RFC 5869) without salt and info. The peer arrives at the same key with its private and this public one." },
  fields: {
    name: NAME,
    key_derivation_algorithm: field.string({ description: "How: ecdh.", default: "ecdh" }),
    peer_public_key: field.string({ description: "The peer's public key, in PEM.", default: "" }),
    base_key_name: field.string({ description: "Name of the EC key to derive from.", default: "" }),
    base_key_version: field.int({ description: "Version of that key; 0 for the latest.", default: 0 }),
    derived_key_type: field.string({ description: "Type of the key to make: one that encrypts symmetrically.", default: "aes256-gcm96" }),
  },
  operations: {
    update: {
      effect: "write",
      summary: "Derive a key.",
      handler({ input }, storage, { env }) {
        if (input.key_derivation_algorithm !== "ecdh") throw invalid(`key derivation algorithm ${input.key_derivation_algorithm} not supported`);
        const name = requireType(input.derived_key_type.toLowerCase());
        const type = typeOf(name);
        if (type.family !== "aead") throw invalid(`unknown key type ${name}`);
        const base = requireKey(storage, input.base_key_name, "specified base key");
        refuseSoftDeleted(base);
        if (!capabilitiesOf(base.type).agreement) throw invalid(`base key type ${base.type} does not support key agreement`);
        const peer = peerKey(input.peer_public_key, typeOf(base.type) as EcType);
        const version = requireVersion(storage, base, baseVersion(base, input.base_key_version));
        if (version.secret === "") throw invalid("the base key version does not have a private counterpart");
        if (getKey(storage, input.name)) throw invalid(`key ${JSON.stringify(input.name)} already exists`);
        const secret = hkdfSha256(diffieHellman({ privateKey: privateKey(version), publicKey: peer }), EMPTY, EMPTY, type.keyBytes).toString("base64");
        const settings: KeySettings = { type: name, key_size: 0, derived: false, convergent_encryption: false, exportable: false, allow_plaintext_backup: false, auto_rotate_period: 0 };
        createKey(storage, input.name, settings, versionOf({ secret, public: "" }, settings, env), { allowRotation: false });
        return NO_CONTENT;
      },
    },
  },
});
