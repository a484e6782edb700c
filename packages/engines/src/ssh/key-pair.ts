import { createPrivateKey, generateKeyPair } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { invalid } from "@coffer/state-machine";
import { authorizedKey, parsePublicKey, publicKeyOf } from "./public-key.js";
import type { PublicKey } from "./public-key.js";

const generate = promisify(generateKeyPair);
/** OpenSSH's own format of private keys. It is loaded when it is first needed. */
const openSshFormat = async () => (await import("sshpk")).default;

export interface KeyPair {
  /** PEM, as OpenSSH takes it. */
  readonly privateKey: string;
  /** With a line break at its end. */
  readonly publicKey: string;
}

const CURVES: Readonly<Record<string, string>> = { 256: "P-256", 384: "P-384", 521: "P-521", "ecdsa-sha2-nistp256": "P-256", "ecdsa-sha2-nistp384": "P-384", "ecdsa-sha2-nistp521": "P-521" };
const DEFAULT_RSA_BITS = 4096;
const RSA_BITS = { least: 2048, most: 8192 };

interface Made {
  readonly key: KeyObject;
  readonly text: string;
}

async function privateKeyOf(type: string, bits: number): Promise<Made> {
  if (type === "rsa" || type === "ssh-rsa") {
    const modulusLength = bits === 0 ? DEFAULT_RSA_BITS : bits;
    if (modulusLength < RSA_BITS.least) throw invalid(`refusing to generate weak ${type} key: ${bits} bits < ${RSA_BITS.least} bits`);
    if (modulusLength > RSA_BITS.most) throw invalid(`refusing to generate ${type} key of more than ${RSA_BITS.most} bits`);
    const { privateKey: key } = await generate("rsa", { modulusLength });
    return { key, text: key.export({ type: "pkcs1", format: "pem" }) as string };
  }
  if (type === "ed25519" || type === "ssh-ed25519") {
    const { privateKey: key } = await generate("ed25519");
    // OpenSSH takes Ed25519 in its own format only.
    const sshpk = await openSshFormat();
    return { key, text: sshpk.parsePrivateKey(key.export({ type: "pkcs8", format: "pem" }), "pem").toString("ssh-private" as "ssh") };
  }
  const name = type === "ec" ? String(bits === 0 ? 256 : bits) : type;
  const namedCurve = Object.hasOwn(CURVES, name) ? CURVES[name] : undefined;
  if (namedCurve === undefined) throw invalid(type === "ec" ? `unknown ECDSA key pair algorithm and bits: ${type} / ${bits}` : `unknown ssh key pair algorithm: ${type}`);
  const { privateKey: key } = await generate("ec", { namedCurve });
  return { key, text: key.export({ type: "sec1", format: "pem" }) as string };
}

/** By libuv's pool, as keys take long. Throws RequestError 400 for a type or size that there is not. */
export async function newKeyPair(type: string, bits: number): Promise<KeyPair> {
  const { key, text } = await privateKeyOf(type, bits);
  const { type: name, blob } = publicKeyOf(key)!;
  return { privateKey: text, publicKey: authorizedKey(name, blob) };
}

export interface Signer {
  readonly key: KeyObject;
  readonly publicKey: PublicKey;
}

/** PEM of any kind that OpenSSH writes, unencrypted. Throws RequestError 400. */
export async function readSigner(privateKey: string): Promise<Signer> {
  const key = plainKey(privateKey) ?? (await openSshKey(privateKey));
  const publicKey = key && publicKeyOf(key);
  if (!key || !publicKey) throw invalid("could not parse private_key provided value: no unencrypted private key that is known");
  return { key, publicKey };
}

/** PKCS #1, SEC 1 or PKCS #8. */
function plainKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: text, format: "pem" });
  } catch {
    return undefined;
  }
}

async function openSshKey(text: string): Promise<KeyObject | undefined> {
  const sshpk = await openSshFormat();
  try {
    const parsed = sshpk.parsePrivateKey(text, "auto");
    if (parsed.type !== "ed25519") return createPrivateKey(parsed.toString("pkcs8"));
    // sshpk writes Ed25519 in a form of PKCS #8 that OpenSSL does not read; its two parts do.
    const { k, A } = parsed.part as unknown as Readonly<Record<"k" | "A", { readonly data: Buffer }>>;
    return createPrivateKey({ key: { kty: "OKP", crv: "Ed25519", d: k.data.toString("base64url"), x: A.data.toString("base64url") }, format: "jwk" });
  } catch {
    return undefined;
  }
}

const signers = new WeakMap<object, Promise<Signer>>();

/** Of a stored key, read once for each version of it that is in the store's cache. */
export function signerOf(stored: { readonly privateKey: string }): Promise<Signer> {
  let signer = signers.get(stored);
  if (!signer) signers.set(stored, (signer = readSigner(stored.privateKey)));
  return signer;
}

/** Whether a public key is that of a private one. Throws RequestError 400 for what is neither. */
export const isPair = async ({ privateKey, publicKey }: KeyPair): Promise<boolean> => (await readSigner(privateKey)).publicKey.blob.equals(parsePublicKey(publicKey).blob);
