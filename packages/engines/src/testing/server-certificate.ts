import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import type { ServerCertificate } from "@coffer/counterparts";

/** A certificate that signs itself, for these names. */
export async function certificateFor(...names: readonly ({ readonly type: "dns" | "ip"; readonly value: string })[]): Promise<ServerCertificate> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { keys, name: "CN=a database", signingAlgorithm: algorithm, notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000), extensions: [new BasicConstraintsExtension(true), new SubjectAlternativeNameExtension([...names])] },
    webcrypto as NonNullable<Parameters<typeof X509CertificateGenerator.createSelfSigned>[1]>,
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return { certificate: certificate.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/(.{64})/g, "$1\n").trimEnd()}\n-----END PRIVATE KEY-----\n` };
}
