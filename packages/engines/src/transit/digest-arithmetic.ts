import { constants, privateEncrypt } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import type { EcType } from "./key-types.js";

/**
 * What of the signatures of digests takes long, and node:crypto has in no form that leaves the thread it is called on:
 * digest-worker.ts does it on another.
 */
export type DigestTask =
  | { readonly kind: "ec-sign"; readonly curve: EcType["curve"]; readonly key: KeyObject; readonly digest: Uint8Array; readonly format: EcFormat }
  | { readonly kind: "ec-verify"; readonly curve: EcType["curve"]; readonly key: KeyObject; readonly digest: Uint8Array; readonly signature: Uint8Array; readonly format: EcFormat }
  /** `pkcs1`: padded for signatures here. `none`: as it stands. */
  | { readonly kind: "rsa-sign"; readonly padding: "pkcs1" | "none"; readonly key: KeyObject; readonly input: Uint8Array };

/** `compact`: r and s as they are, as JWS has them. */
export type EcFormat = "der" | "compact";

export type DigestResult<T extends DigestTask> = T extends { readonly kind: "ec-verify" } ? boolean : Uint8Array;

const CURVES = Object.freeze({ "P-256": p256, "P-384": p384, "P-521": p521 });
const fromBase64Url = (text: string) => Buffer.from(text, "base64url");
/** With the leading zeros that a JWK has. */
const ecSecret = (key: KeyObject) => fromBase64Url(key.export({ format: "jwk" }).d!);

function ecPoint(key: KeyObject): Uint8Array {
  const { x, y } = key.export({ format: "jwk" });
  return Buffer.concat([Buffer.of(4), fromBase64Url(x!), fromBase64Url(y!)]);
}

/** Throws where the input does not fit the key. A signature that is malformed is a wrong one. */
export function runDigestTask(task: DigestTask): Uint8Array | boolean {
  switch (task.kind) {
    case "ec-sign":
      return CURVES[task.curve].sign(task.digest, ecSecret(task.key), { prehash: false, lowS: false, extraEntropy: true, format: task.format });
    case "ec-verify":
      return isGood(task);
    case "rsa-sign":
      return privateEncrypt({ key: task.key, padding: task.padding === "pkcs1" ? constants.RSA_PKCS1_PADDING : constants.RSA_NO_PADDING }, task.input);
  }
}

function isGood({ curve, key, digest, signature, format }: Extract<DigestTask, { readonly kind: "ec-verify" }>): boolean {
  try {
    return CURVES[curve].verify(signature, digest, ecPoint(key), { prehash: false, lowS: false, format });
  } catch {
    return false;
  }
}
