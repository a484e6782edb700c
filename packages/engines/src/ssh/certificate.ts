import { sign } from "node:crypto";
import { promisify } from "node:util";
import { invalid } from "@coffer/state-machine";
import type { Signer } from "./key-pair.js";
import { authorizedKey } from "./public-key.js";
import type { PublicKey } from "./public-key.js";
import { mpint, string, uint32, uint64 } from "./wire.js";

/** What a certificate says; OpenSSH's PROTOCOL.certkeys. */
export interface CertificateContent {
  readonly publicKey: PublicKey;
  readonly serial: bigint;
  readonly type: "user" | "host";
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly validAfter: number;
  readonly validBefore: number;
  readonly criticalOptions: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, string>>;
  /** 32 bytes of chance. */
  readonly nonce: Uint8Array;
}

export type RsaAlgorithm = "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512";
const RSA_HASHES: Readonly<Record<RsaAlgorithm, string>> = { "ssh-rsa": "sha1", "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" };
const CURVE_HASHES: Readonly<Record<string, string>> = { "ecdsa-sha2-nistp256": "sha256", "ecdsa-sha2-nistp384": "sha384", "ecdsa-sha2-nistp521": "sha512" };
const TYPES = { user: 1, host: 2 } as const;

const signAsync = promisify(sign);

/** In the order of their names; a value is a string within a string, none is an empty one. */
function options(values: Readonly<Record<string, string>>): Buffer {
  const sorted = Object.entries(values).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Buffer.concat(sorted.flatMap(([name, value]) => [string(name), string(value === "" ? "" : string(value))]));
}

const certificateType = (type: string) => (type.endsWith("@openssh.com") ? type.replace("@openssh.com", "-cert-v01@openssh.com") : `${type}-cert-v01@openssh.com`);

async function signature({ key, publicKey }: Signer, algorithm: RsaAlgorithm | "default", bytes: Buffer): Promise<Buffer> {
  if (publicKey.kind === "rsa") {
    const name = algorithm === "default" ? "rsa-sha2-256" : algorithm;
    return Buffer.concat([string(name), string(await signAsync(RSA_HASHES[name], bytes, key))]);
  }
  if (algorithm !== "default") throw invalid(`algorithm_signer ${algorithm} is for RSA keys, which the CA's is not`);
  if (publicKey.kind === "ed25519") return Buffer.concat([string(publicKey.type), string(await signAsync(null, bytes, key))]);
  const pair = await signAsync(CURVE_HASHES[publicKey.type]!, bytes, { key, dsaEncoding: "ieee-p1363" });
  const half = pair.length / 2;
  return Buffer.concat([string(publicKey.type), string(Buffer.concat([mpint(pair.subarray(0, half)), mpint(pair.subarray(half))]))]);
}

/** The line of a `-cert.pub` file. */
export async function signCertificate(content: CertificateContent, signer: Signer, algorithm: RsaAlgorithm | "default"): Promise<string> {
  const { publicKey } = content;
  const type = certificateType(publicKey.type);
  const keyType = string(publicKey.type);
  const unsigned = Buffer.concat([
    string(type),
    string(content.nonce),
    publicKey.blob.subarray(keyType.length),
    uint64(content.serial),
    uint32(TYPES[content.type]),
    string(content.keyId),
    string(Buffer.concat(content.principals.map(string))),
    uint64(BigInt(content.validAfter)),
    uint64(BigInt(content.validBefore)),
    string(options(content.criticalOptions)),
    string(options(content.extensions)),
    string(""),
    string(signer.publicKey.blob),
  ]);
  return authorizedKey(type, Buffer.concat([unsigned, string(await signature(signer, algorithm, unsigned))]));
}
