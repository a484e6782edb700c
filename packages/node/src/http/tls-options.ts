import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { SecureContextOptions, TlsOptions } from "node:tls";
import type { ListenerTls } from "../configuration/types.js";

/** Never up for choice in Go, where this setting comes from: naming suites of TLS 1.2 leaves TLS 1.3 as it is. */
const TLS13_SUITES = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];

/** Reads the files. Throws Error for one that cannot be read, or a key that is not the certificate's. */
export function readSecureContext(tls: ListenerTls): SecureContextOptions {
  const options: SecureContextOptions = {
    cert: readFileSync(tls.certificateFile),
    key: readFileSync(tls.keyFile),
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    ...(tls.ciphers.length > 0 && { ciphers: ciphers(tls.ciphers) }),
    // Only where certificates are verified: naming issuers to clients keeps those of others from showing theirs.
    ...(tls.requireClientCertificate && tls.clientCaFile !== undefined && { ca: readFileSync(tls.clientCaFile) }),
  };
  createSecureContext(options);
  return options;
}

function ciphers(names: readonly string[]): string {
  const hasTls13 = names.some((name) => name.startsWith("TLS_"));
  return [...names, ...(hasTls13 ? [] : TLS13_SUITES)].join(":");
}

export function clientCertificateOptions({ requireClientCertificate, acceptClientCertificates }: ListenerTls): TlsOptions {
  return { requestCert: requireClientCertificate || acceptClientCertificates, rejectUnauthorized: requireClientCertificate };
}
