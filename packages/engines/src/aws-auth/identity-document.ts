import { verify, X509Certificate } from "node:crypto";
import { invalid } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { signedContent, trustedSigner } from "./pkcs7.js";
import type { TrustedSigner } from "./pkcs7.js";
import { CERTIFICATES, getCertificate } from "./storage.js";

/** What AWS says of an instance, and has signed. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html */
export interface IdentityDocument {
  readonly accountId: string;
  readonly imageId: string;
  readonly instanceId: string;
  readonly region: string;
  /** Milliseconds since 1970: when the instance was last started. */
  readonly pendingMs: number;
}

/** What a login shows: `pkcs7`, or `identity` with its `signature`. */
export interface SignedDocument {
  readonly pkcs7: string;
  readonly identity: string;
  readonly signature: string;
}

/** Characters of base64; a document has about 700, a signature 200 or 400. */
const MOST_CHARACTERS = 16_384;

/** AWS's own, as published. They are read when the first instance logs in: most nodes never see one. */
let shipped: Promise<readonly TrustedSigner[]> | undefined;

async function shippedSigners(): Promise<readonly TrustedSigner[]> {
  shipped ??= import("./region-certificates.js").then(({ REGION_CERTIFICATES }) =>
    REGION_CERTIFICATES.trim().split("\n").map((line) => trustedSigner(new X509Certificate(Buffer.from(line, "base64")))),
  );
  return shipped;
}

async function signersOf(storage: ReadStorage, kind: "pkcs7" | "identity"): Promise<readonly TrustedSigner[]> {
  const configured = (await storage.list(CERTIFICATES)).flatMap((name) => {
    const entry = getCertificate(storage, name);
    return entry?.type === kind ? [trustedSigner(new X509Certificate(entry.aws_public_cert))] : [];
  });
  return [...configured, ...(await shippedSigners())];
}

function decoded(name: string, text: string): Buffer {
  const plain = text.replaceAll(/\s/g, "");
  if (plain.length > MOST_CHARACTERS) throw invalid(`${name} is too long`);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(plain)) throw invalid(`failed to base64 decode the ${name}`);
  return Buffer.from(plain, "base64");
}

/** Throws RequestError 400 unless AWS signed it. */
export async function verifiedDocument(storage: ReadStorage, { pkcs7, identity, signature }: SignedDocument): Promise<IdentityDocument> {
  if (pkcs7 !== "") {
    const content = signedContent(pkcs7, await signersOf(storage, "pkcs7"));
    if (!content) throw invalid("failed to verify the PKCS#7 signature of the instance identity document");
    return parse(content);
  }
  if (identity === "" || signature === "") throw invalid("'identity' and 'signature' have to be given together");
  const [document, bytes] = [decoded("identity", identity), decoded("signature", signature)];
  const keys = (await signersOf(storage, "identity")).map(({ key }) => key).filter(({ asymmetricKeyType }) => asymmetricKeyType === "rsa");
  if (!keys.some((key) => verify("sha256", document, key, bytes))) throw invalid("instance identity verification using SHA256 RSA signature is unsuccessful");
  return parse(document);
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

function parse(content: Buffer): IdentityDocument {
  let value: unknown;
  try {
    value = JSON.parse(content.toString("utf8"));
  } catch {
    throw invalid("failed to unmarshal the instance identity document");
  }
  const { accountId, imageId, instanceId, region, pendingTime } = (typeof value === "object" ? (value ?? {}) : {}) as Readonly<Record<string, unknown>>;
  const is = (text: unknown, pattern: RegExp): text is string => typeof text === "string" && pattern.test(text);
  if (!is(instanceId, /^i-[0-9a-f]{8,32}$/)) throw invalid("the instance identity document has no instance id");
  if (!is(accountId, /^\d{12}$/) || !is(imageId, /^ami-[\w-]{1,64}$/) || !is(region, /^[a-z]{2}[a-z0-9-]{1,40}$/)) throw invalid("the instance identity document has no account, AMI or region");
  const pendingMs = is(pendingTime, ISO_TIME) ? Date.parse(pendingTime) : Number.NaN;
  if (Number.isNaN(pendingMs)) throw invalid("the instance identity document has no pendingTime");
  return { accountId, imageId, instanceId, region, pendingMs };
}
