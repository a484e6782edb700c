import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import { CLUSTER_SERVER_NAME } from "@coffer/raft";
import { RequestError } from "@coffer/state-machine";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const NODE_DAYS = 3650;
const API_DAYS = 825;
/** Clocks of other machines may be behind, or the one that issues ahead: a server that joins must be taken by all of them. */
const BACKDATE_MS = 2 * DAY_MS;

/** PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Positive, and without leading zeros, which DER forbids. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** As structure: a name that is written out and parsed again could bring parts of its own. */
const commonName = (name: string) => new x509.Name([{ CN: [{ utf8String: name }] }]);
const validity = (days: number) => ({ notBefore: new Date(Date.now() - BACKDATE_MS), notAfter: new Date(Date.now() + days * DAY_MS) });
const generate = () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
const exportKey = async (key: webcrypto.CryptoKey) => x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");

/** A CA of its own: for the cluster port, or for the API of a local cluster. */
export async function createCa(name: string): Promise<KeyPair> {
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: commonName(name),
    ...validity(CA_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

async function issue(ca: KeyPair, name: string, publicKey: webcrypto.CryptoKey, names: x509.JsonGeneralName[], days: number): Promise<string> {
  const authority = new x509.X509Certificate(ca.certificate);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decode(ca.key)[0]!, ALGORITHM, false, ["sign"]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: commonName(name),
    issuer: authority.subjectName,
    ...validity(days),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(await authority.publicKey.export()),
    ],
  });
  return certificate.toString("pem");
}

/** A joining node's half: it keeps the key, the public one travels. */
export async function createNodeKey(): Promise<{ readonly key: string; readonly publicKey: string }> {
  const keys = await generate();
  return { key: await exportKey(keys.privateKey), publicKey: x509.PemConverter.encode(await webcrypto.subtle.exportKey("spki", keys.publicKey), "PUBLIC KEY") };
}

/** A certificate for the cluster port. Throws RequestError 400 for a public key that is none, or not of the cluster's kind. */
export async function issueNodeCertificate(ca: KeyPair, nodeId: string, publicKey: string): Promise<string> {
  const key = await importPublicKey(publicKey);
  return issue(ca, nodeId, key, [{ type: "dns", value: CLUSTER_SERVER_NAME }], NODE_DAYS);
}

async function importPublicKey(pem: string): Promise<webcrypto.CryptoKey> {
  try {
    const [der, second] = x509.PemConverter.decode(pem);
    if (!der || second || !pem.includes("-----BEGIN PUBLIC KEY-----")) throw new TypeError("not one public key");
    return await webcrypto.subtle.importKey("spki", der, ALGORITHM, true, ["verify"]);
  } catch {
    throw new RequestError("invalid_request", "the joining node's public key is not a P-256 public key in PEM");
  }
}

/** A throw-away CA and a server certificate for the API listeners of a local cluster. */
export async function createApiCertificates(hosts: readonly string[]): Promise<{ readonly ca: string } & KeyPair> {
  const ca = await createCa("Coffer local CA");
  const keys = await generate();
  const names = hosts.map((host): x509.JsonGeneralName => ({ type: isIP(host) ? "ip" : "dns", value: host }));
  return { ca: ca.certificate, certificate: await issue(ca, hosts[0]!, keys.publicKey, names, API_DAYS), key: await exportKey(keys.privateKey) };
}
