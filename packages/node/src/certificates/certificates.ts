import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import { CLUSTER_SERVER_NAME } from "@coffer/raft";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const NODE_DAYS = 3650;
const API_DAYS = 825;
/** Clocks of other machines may be behind. */
const BACKDATE_MS = 5 * 60_000;

/** PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

const serial = () => randomBytes(16).toString("hex").replace(/^[89a-f]/, "7");
const validity = (days: number) => ({ notBefore: new Date(Date.now() - BACKDATE_MS), notAfter: new Date(Date.now() + days * DAY_MS) });
const generate = () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
const exportKey = async (key: webcrypto.CryptoKey) => x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");

/** A CA of its own: for the cluster port, or for the API of a local cluster. */
export async function createCa(name: string): Promise<KeyPair> {
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name}`,
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
    subject: new x509.Name([{ CN: [name] }]).toString(),
    issuer: authority.subject,
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

/** A certificate for the cluster port. Throws for a public key that is none. */
export async function issueNodeCertificate(ca: KeyPair, nodeId: string, publicKey: string): Promise<string> {
  const key = await webcrypto.subtle.importKey("spki", x509.PemConverter.decode(publicKey)[0]!, ALGORITHM, true, ["verify"]);
  return issue(ca, nodeId, key, [{ type: "dns", value: CLUSTER_SERVER_NAME }], NODE_DAYS);
}

/** A throw-away CA and a server certificate for the API listeners of a local cluster. */
export async function createApiCertificates(hosts: readonly string[]): Promise<{ readonly ca: string } & KeyPair> {
  const ca = await createCa("Coffer local CA");
  const keys = await generate();
  const names = hosts.map((host): x509.JsonGeneralName => ({ type: isIP(host) ? "ip" : "dns", value: host }));
  return { ca: ca.certificate, certificate: await issue(ca, hosts[0]!, keys.publicKey, names, API_DAYS), key: await exportKey(keys.privateKey) };
}
