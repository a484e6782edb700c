/**
 * The types of keys, one row each. What a type can do follows from its family; how it does it stands in its row.
 *
 * `code` is the number that stands for the type in a backup, which travels between clusters: it never changes.
 */
interface Row {
  readonly code: number;
}

export interface AeadType extends Row {
  readonly family: "aead";
  readonly cipher: "aes-128-gcm" | "aes-256-gcm" | "chacha20-poly1305" | "xchacha20-poly1305";
  readonly keyBytes: 16 | 32;
  readonly nonceBytes: 12 | 24;
}

export interface EcType extends Row {
  readonly family: "ec";
  /** As JWK and Vault name it. */
  readonly curve: "P-256" | "P-384" | "P-521";
  /** As OpenSSL names it. */
  readonly opensslCurve: "prime256v1" | "secp384r1" | "secp521r1";
  readonly coordinateBytes: 32 | 48 | 66;
}

export interface RsaType extends Row {
  readonly family: "rsa";
  readonly bits: 2048 | 3072 | 4096;
}

export interface Ed25519Type extends Row {
  readonly family: "ed25519";
}

export interface HmacType extends Row {
  readonly family: "hmac";
}

export type KeyType = AeadType | EcType | RsaType | Ed25519Type | HmacType;

export const KEY_TYPES = Object.freeze({
  "aes128-gcm96": { family: "aead", code: 8, cipher: "aes-128-gcm", keyBytes: 16, nonceBytes: 12 },
  "aes256-gcm96": { family: "aead", code: 0, cipher: "aes-256-gcm", keyBytes: 32, nonceBytes: 12 },
  "chacha20-poly1305": { family: "aead", code: 5, cipher: "chacha20-poly1305", keyBytes: 32, nonceBytes: 12 },
  "xchacha20-poly1305": { family: "aead", code: 11, cipher: "xchacha20-poly1305", keyBytes: 32, nonceBytes: 24 },
  "ecdsa-p256": { family: "ec", code: 1, curve: "P-256", opensslCurve: "prime256v1", coordinateBytes: 32 },
  "ecdsa-p384": { family: "ec", code: 6, curve: "P-384", opensslCurve: "secp384r1", coordinateBytes: 48 },
  "ecdsa-p521": { family: "ec", code: 7, curve: "P-521", opensslCurve: "secp521r1", coordinateBytes: 66 },
  ed25519: { family: "ed25519", code: 2 },
  "rsa-2048": { family: "rsa", code: 3, bits: 2048 },
  "rsa-3072": { family: "rsa", code: 9, bits: 3072 },
  "rsa-4096": { family: "rsa", code: 4, bits: 4096 },
  hmac: { family: "hmac", code: 10 },
} as const satisfies Record<string, KeyType>);

export type KeyTypeName = keyof typeof KEY_TYPES;

export interface Capabilities {
  readonly encryption: boolean;
  readonly signing: boolean;
  /** Keys of its own for each context. */
  readonly derivation: boolean;
  /** The same ciphertext for the same plaintext and context. */
  readonly convergence: boolean;
  readonly associatedData: boolean;
  /** What is signed is a digest of the input. */
  readonly digests: boolean;
  /** Has a public half, which can be imported alone. */
  readonly publicKey: boolean;
  /** Diffie-Hellman. */
  readonly agreement: boolean;
}

const NONE: Capabilities = { encryption: false, signing: false, derivation: false, convergence: false, associatedData: false, digests: false, publicKey: false, agreement: false };

const CAPABILITIES: Readonly<Record<KeyType["family"], Capabilities>> = Object.freeze({
  aead: { ...NONE, encryption: true, derivation: true, convergence: true, associatedData: true },
  ec: { ...NONE, signing: true, digests: true, publicKey: true, agreement: true },
  rsa: { ...NONE, encryption: true, signing: true, digests: true, publicKey: true },
  ed25519: { ...NONE, signing: true, derivation: true, publicKey: true },
  hmac: NONE,
});

/** Bytes of a key of type hmac. */
export const HMAC_KEY_BYTES = Object.freeze({ least: 32, most: 512 });

export const typeOf = (name: KeyTypeName): KeyType => KEY_TYPES[name];

export const capabilitiesOf = (name: KeyTypeName): Capabilities => CAPABILITIES[KEY_TYPES[name].family];

export function isKeyTypeName(name: string): name is KeyTypeName {
  return Object.hasOwn(KEY_TYPES, name);
}

/** The type with this number in a backup. */
export function typeWithCode(code: unknown): KeyTypeName | undefined {
  return (Object.keys(KEY_TYPES) as KeyTypeName[]).find((name) => KEY_TYPES[name].code === code);
}
