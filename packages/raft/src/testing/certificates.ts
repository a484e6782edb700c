import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { CLUSTER_SERVER_NAME } from "../transport/credentials.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A throw-away cluster CA and one certificate of it, PEM. */
export async function testCertificates(): Promise<{ ca: string; certificate: string; key: string }> {
  const caKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const notAfter = new Date(Date.now() + 3_600_000);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({ name: "CN=test CA", notAfter, signingAlgorithm: ALGORITHM, keys: caKeys, extensions: [new x509.BasicConstraintsExtension(true, 0, true)] });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: "CN=node",
    issuer: ca.subject,
    notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: CLUSTER_SERVER_NAME }])],
  });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { ca: ca.toString("pem"), certificate: certificate.toString("pem"), key };
}
