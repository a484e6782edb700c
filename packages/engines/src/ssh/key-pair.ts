import { createPrivateKey, generateKeyPair } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { promisify } from "node:util";
import sshpk from "sshpk";
import { invalid } from "@coffer/state-machine";
import { parsePublicKey } from "./public-key.js";
import type { PublicKey } from "./public-key.js";

const generate = promisify(generateKeyPair);

export interface KeyPair {
  /** PEM, as OpenSSH takes it. */
  readonly privateKey: string;
  /** With a line break at its end. */
  readonly publicKey: string;
}

const CURVES: Readonly<Record<string, string>> = { 256: "P-256", 384: "P-384", 521: "P-521", "ecdsa-sha2-nistp256": "P-256", "ecdsa-sha2-nistp384": "P-384", "ecdsa-sha2-nistp521": "P-521" };
const DEFAULT_RSA_BITS = 4096;
const RSA_BITS = { least: 2048, most: 8192 };

async function privateKeyOf(type: string, bits: number): Promise<string> {
  if (type === "rsa" || type === "ssh-rsa") {
    const modulusLength = bits === 0 ? DEFAULT_RSA_BITS : bits;
    if (modulusLength < RSA_BITS.least) throw invalid(`refusing to generate weak ${type} key: ${bits} bits < ${RSA_BITS.least} bits`);
    if (modulusLength > RSA_BITS.most) throw invalid(`refusing to generate ${type} key of more than ${RSA_BITS.most} bits`);
    return (await generate("rsa", { modulusLength })).privateKey.export({ type: "pkcs1", format: "pem" }) as string;
  }
  if (type === "ed25519" || type === "ssh-ed25519") {
    const pem = (await generate("ed25519")).privateKey.export({ type: "pkcs8", format: "pem" });
    // OpenSSH takes Ed25519 in its own format only.
    return sshpk.parsePrivateKey(pem, "pem").toString("ssh-private" as "ssh");
  }
  const name = type === "ec" ? String(bits === 0 ? 256 : bits) : type;
  const namedCurve = Object.hasOwn(CURVES, name) ? CURVES[name] : undefined;
  if (namedCurve === undefined) throw invalid(type === "ec" ? `unknown ECDSA key pair algorithm and bits: ${type} / ${bits}` : `unknown ssh key pair algorithm: ${type}`);
  return (await generate("ec", { namedCurve })).privateKey.export({ type: "sec1", format: "pem" }) as string;
}

/** By libuv's pool, as keys take long. Throws RequestError 400 for a type or size that there is not. */
export async function newKeyPair(type: string, bits: number): Promise<KeyPair> {
  const privateKey = await privateKeyOf(type, bits);
  return { privateKey, publicKey: `${publicText(sshpk.parsePrivateKey(privateKey, "auto"))}\n` };
}

function publicText(key: sshpk.PrivateKey): string {
  const [type, encoded] = key.toPublic().toString("ssh").split(" ");
  return `${type} ${encoded}`;
}

/** sshpk writes Ed25519 in a form of PKCS #8 that OpenSSL does not read; its two parts do. */
function keyObject(parsed: sshpk.PrivateKey): KeyObject {
  if (parsed.type !== "ed25519") return createPrivateKey(parsed.toString("pkcs8"));
  const { k, A } = parsed.part as unknown as Readonly<Record<"k" | "A", { readonly data: Buffer }>>;
  return createPrivateKey({ key: { kty: "OKP", crv: "Ed25519", d: k.data.toString("base64url"), x: A.data.toString("base64url") }, format: "jwk" });
}

export interface Signer {
  readonly key: KeyObject;
  readonly publicKey: PublicKey;
}

/** PEM of any kind that OpenSSH writes, unencrypted. Throws RequestError 400. */
export function signerOf(privateKey: string): Signer {
  try {
    const parsed = sshpk.parsePrivateKey(privateKey, "auto");
    return { key: keyObject(parsed), publicKey: parsePublicKey(publicText(parsed)) };
  } catch {
    throw invalid("could not parse private_key provided value: no unencrypted private key that is known");
  }
}
