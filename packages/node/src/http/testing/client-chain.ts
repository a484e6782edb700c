import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

interface Pair {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

async function create(name: string, issuer?: Pair, isAuthority = true): Promise<Pair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const usage = isAuthority ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    extensions: [new x509.BasicConstraintsExtension(isAuthority, undefined, true), new x509.KeyUsagesExtension(usage, true)],
  });
  return { certificate, keys };
}

/** PEM: a root, and a client's certificate and key below an intermediate authority that only the client has. */
export async function clientBelowIntermediate(): Promise<{ readonly root: string; readonly leaf: string; readonly intermediate: string; readonly key: string }> {
  const root = await create("root");
  const middle = await create("middle", root);
  const client = await create("client", middle, false);
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", client.keys.privateKey), "PRIVATE KEY");
  return { root: root.certificate.toString("pem"), intermediate: middle.certificate.toString("pem"), leaf: client.certificate.toString("pem"), key };
}
