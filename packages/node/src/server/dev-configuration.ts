import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfiguration } from "../configuration/index.js";
import type { Configuration } from "../configuration/index.js";

/** A server in memory, for trying things out; the rest as in a file that says no more. `tls`: with a certificate made for it, whose CA is written beside it. */
export async function devConfiguration(address: string, tls: boolean): Promise<{ readonly configuration: Configuration; readonly caFile: string | undefined }> {
  const files = tls ? await devCertificates(address) : undefined;
  const url = JSON.stringify(`${tls ? "https" : "http"}://${address.replace(/^0\.0\.0\.0:/, "127.0.0.1:")}`);
  const text = `listener "tcp" {
  address = ${JSON.stringify(address)}
  ${files ? `tls_cert_file = ${JSON.stringify(files.certificate)}\n  tls_key_file = ${JSON.stringify(files.key)}` : "tls_disable = true"}
}
storage "inmem" {}
api_addr     = ${url}
cluster_addr = ${url}
`;
  return { configuration: parseConfiguration(text, "-dev-listen-address"), caFile: files?.ca };
}

async function devCertificates(address: string): Promise<{ readonly ca: string; readonly certificate: string; readonly key: string }> {
  const folder = mkdtempSync(join(tmpdir(), "coffer-dev-tls-"));
  const host = address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const { createApiCertificates } = await import("../certificates/certificates.js");
  const made = await createApiCertificates([...new Set(["localhost", "127.0.0.1", "::1", ...(host === "" || host === "0.0.0.0" ? [] : [host])])]);
  const files = { ca: join(folder, "ca.crt"), certificate: join(folder, "api.crt"), key: join(folder, "api.key") };
  writeFileSync(files.ca, made.ca);
  writeFileSync(files.certificate, made.certificate);
  writeFileSync(files.key, made.key, { mode: 0o600 });
  return files;
}
