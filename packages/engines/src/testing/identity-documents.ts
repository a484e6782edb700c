import { execFileSync } from "node:child_process";
import { createSign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Who signs identity documents in tests, as AWS does: PKCS #7 by OpenSSL, and bare signatures. */
export interface DocumentSigner {
  /** PEM. */
  readonly certificate: string;
  /** In base64, with the line breaks that the metadata service gives. `extra` are flags of `openssl cms`. */
  pkcs7(document: string, extra?: readonly string[]): string;
  /** SHA-256 with RSA, in base64. */
  signature(document: string): string;
  end(): void;
}

export function createDocumentSigner(kind: "rsa" | "dsa" = "rsa"): DocumentSigner {
  const folder = mkdtempSync(join(tmpdir(), "coffer-documents-"));
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  if (kind === "rsa") openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "key.pem");
  else {
    openssl("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", "parameters.pem");
    openssl("genpkey", "-paramfile", "parameters.pem", "-out", "key.pem");
  }
  openssl("req", "-x509", "-new", "-key", "key.pem", "-sha256", "-days", "2", "-subj", "/C=US/O=Test Documents", "-out", "certificate.pem");
  const digest = kind === "dsa" ? "sha1" : "sha256";
  return {
    certificate: readFileSync(join(folder, "certificate.pem"), "utf8"),
    pkcs7(document, extra = []) {
      writeFileSync(join(folder, "document.json"), document);
      openssl("cms", "-sign", "-binary", "-nodetach", "-md", digest, "-signer", "certificate.pem", "-inkey", "key.pem", "-in", "document.json", "-outform", "DER", "-out", "signed.der", ...extra);
      return readFileSync(join(folder, "signed.der")).toString("base64").replaceAll(/(.{64})/g, "$1\n");
    },
    signature: (document) => createSign("sha256").update(document).sign(readFileSync(join(folder, "key.pem"), "utf8"), "base64"),
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** As the metadata service writes it. */
export function identityDocument(fields: { readonly instanceId: string; readonly imageId: string; readonly accountId?: string; readonly region?: string; readonly pendingTime?: string }): string {
  return JSON.stringify({ accountId: "123456789012", architecture: "x86_64", availabilityZone: "us-east-1a", billingProducts: null, kernelId: null, pendingTime: "2026-01-02T03:04:05Z", privateIp: "10.0.0.7", ramdiskId: null, region: "us-east-1", version: "2017-09-30", ...fields }, null, 2);
}
