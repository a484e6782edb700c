import { field, invalid } from "@coffer/state-machine";
import { CONTEXT, NAME, BATCH_INPUT } from "./crypto-fields.js";
import { DEFAULT_HASH, hashAlgorithm, namedHash } from "./hash-algorithms.js";
import type { SignatureOptions } from "./signature.js";

/** What sign/ and verify/ take alike. */
export const SIGNATURE_FIELDS = {
  name: NAME,
  hash_algorithm: field.string({ description: "Hash algorithm: sha1, or of 224, 256, 384 or 512 bits sha2- or sha3-, such as sha2-256; or none, for a PKCS #1 v1.5 signature of the input as it stands. Ed25519 has its own.", default: "" }),
  algorithm: field.string({ description: "What hash_algorithm was called before.", default: DEFAULT_HASH, deprecated: true }),
  input: field.string({ description: "The input, in base64.", default: "", sensitive: true }),
  context: CONTEXT,
  prehashed: field.bool({ description: "Whether the input is hashed already, with the hash algorithm that is named.", default: false }),
  signature_algorithm: field.string({ description: "Of RSA: pss or pkcs1v15.", default: "pss" }),
  marshaling_algorithm: field.string({ description: "How the signature is written: asn1, or jws, which is URL-safe base64 and of ECDSA the bare numbers.", default: "asn1" }),
  salt_length: field.string({ description: "Of PSS: auto (the longest when signing, any when verifying), hash (as long as the digest), or a number of bytes.", default: "auto" }),
  batch_input: BATCH_INPUT,
};

interface SignatureInput {
  readonly urlalgorithm: string;
  readonly hash_algorithm: string;
  readonly algorithm: string;
  readonly prehashed: boolean;
  readonly signature_algorithm: string;
  readonly marshaling_algorithm: string;
  readonly salt_length: string;
}

/** Throws RequestError 400. -1 and 0 are what clients of Go's library write for hash and auto. */
function saltLength(text: string): SignatureOptions["saltLength"] {
  const lower = text.toLowerCase();
  if (lower === "auto" || lower === "0") return "auto";
  if (lower === "hash" || lower === "-1") return "hash";
  if (!/^-?\d{1,9}$/.test(lower)) throw invalid(`salt length neither 'auto', 'hash', nor an int: ${text}`);
  if (Number(lower) < 0) throw invalid(`salt length is invalid: ${lower}`);
  return Number(lower);
}

/** Throws RequestError 400. */
export function signatureOptions(input: SignatureInput): SignatureOptions {
  const hash = namedHash(input);
  const { marshaling_algorithm: marshaling, signature_algorithm: scheme, prehashed } = input;
  if (marshaling !== "asn1" && marshaling !== "jws") throw invalid(`invalid marshaling type ${JSON.stringify(marshaling)}`);
  const rsaScheme = scheme === "" ? "pss" : scheme;
  if (hash === "none" && (!prehashed || rsaScheme !== "pkcs1v15")) throw invalid("hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15");
  return { hash: hash === "none" ? undefined : hashAlgorithm(hash), prehashed, marshaling, rsaScheme, saltLength: saltLength(input.salt_length) };
}
