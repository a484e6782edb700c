import { sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { BitString, Constructed, fromBER, Integer, Null, ObjectIdentifier, Sequence } from "asn1js";
import type { BaseBlock } from "asn1js";
import { invalid } from "@coffer/state-machine";
import type { KeyTypeName } from "./key-types.js";

/** On libuv's pool. */
const signInPool = promisify(sign);

interface RequestSignature {
  readonly oid: string;
  /** As OpenSSL calls it; null where the signature has its own. */
  readonly hash: string | null;
}

/** How a certificate request is signed, by type of key (RFC 4055, RFC 5758, RFC 8410). */
const SIGNATURES: Readonly<Partial<Record<KeyTypeName, RequestSignature>>> = Object.freeze({
  "rsa-2048": { oid: "1.2.840.113549.1.1.11", hash: "sha256" },
  "rsa-3072": { oid: "1.2.840.113549.1.1.11", hash: "sha256" },
  "rsa-4096": { oid: "1.2.840.113549.1.1.11", hash: "sha256" },
  "ecdsa-p256": { oid: "1.2.840.10045.4.3.2", hash: "sha256" },
  "ecdsa-p384": { oid: "1.2.840.10045.4.3.3", hash: "sha384" },
  "ecdsa-p521": { oid: "1.2.840.10045.4.3.4", hash: "sha512" },
  ed25519: { oid: "1.3.101.112", hash: null },
});

const PEM = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----/;

/** What the new request takes over. */
interface Template {
  readonly subject: BaseBlock;
  readonly attributes: BaseBlock;
}

const CONTEXT_SPECIFIC = 3;
const NO_TEMPLATE = (): Template => ({ subject: new Sequence(), attributes: new Constructed({ idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber: 0 } }) });

const isAttributes = (block: BaseBlock | undefined) => block instanceof Constructed && block.idBlock.tagClass === CONTEXT_SPECIFIC && block.idBlock.tagNumber === 0;

/** Throws RequestError 400. CertificationRequestInfo is version, subject, key and attributes. */
function parseTemplate(pem: string): Template {
  if (pem === "") return NO_TEMPLATE();
  const body = PEM.exec(pem)?.[1];
  if (body === undefined) throw invalid("could not decode PEM CSR");
  const request = fromBER(Buffer.from(body, "base64")).result;
  const info = request instanceof Sequence ? request.valueBlock.value[0] : undefined;
  const [version, subject, key, attributes] = info instanceof Sequence ? info.valueBlock.value : [];
  if (!(version instanceof Integer) || !(subject instanceof Sequence) || !(key instanceof Sequence) || !isAttributes(attributes)) throw invalid("could not parse the CSR");
  return { subject, attributes: attributes! };
}

/** The same request, or an empty one, for this key (PKCS #10, RFC 2986). `spki`: base64 DER. PEM; rejects with RequestError 400. */
export async function signRequest(pem: string, type: KeyTypeName, key: KeyObject, spki: string): Promise<string> {
  const { subject, attributes } = parseTemplate(pem);
  const { oid, hash } = SIGNATURES[type]!;
  const info = new Sequence({ value: [new Integer({ value: 0 }), subject, fromBER(Buffer.from(spki, "base64")).result, attributes] });
  const algorithm = new Sequence({ value: [new ObjectIdentifier({ value: oid }), ...(type.startsWith("rsa-") ? [new Null()] : [])] });
  const signature = await signInPool(hash, Buffer.from(info.toBER()), key);
  const request = new Sequence({ value: [info, algorithm, new BitString({ valueHex: new Uint8Array(signature).buffer })] });
  const base64 = Buffer.from(request.toBER()).toString("base64");
  return `-----BEGIN CERTIFICATE REQUEST-----\n${base64.match(/.{1,64}/g)!.join("\n")}\n-----END CERTIFICATE REQUEST-----\n`;
}
