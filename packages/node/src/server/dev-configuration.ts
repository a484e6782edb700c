import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApiCertificates } from "../certificates/certificates.js";
import type { Configuration, Listener, ListenerTls } from "../configuration/types.js";

const DAY_SECONDS = 86_400;

/** A server in memory, for trying things out. `tls`: with a certificate made for it, whose CA is written beside it. */
export async function devConfiguration(address: string, tls: boolean): Promise<{ readonly configuration: Configuration; readonly caFile: string | undefined }> {
  const made = tls ? await devCertificates(address) : undefined;
  const listener: Listener = {
    address,
    clusterAddress: undefined,
    tls: made?.tls,
    maxRequestSize: 32 * 1024 * 1024,
    maxRequestDuration: 90,
    readHeaderTimeout: 10,
    readTimeout: 30,
    idleTimeout: 300,
    trustedProxies: [],
    unauthenticatedMetrics: false,
  };
  const url = `${tls ? "https" : "http"}://${address.replace(/^0\.0\.0\.0:/, "127.0.0.1:")}`;
  const configuration: Configuration = {
    listeners: [listener],
    storage: { type: "inmem" },
    seal: { type: "shamir" },
    telemetry: { prometheusRetention: DAY_SECONDS, disableHostname: false, enableHostnameLabel: false },
    auditDevices: [],
    apiAddress: url,
    clusterAddress: url,
    clusterName: undefined,
    defaultLeaseTtl: 32 * DAY_SECONDS,
    maxLeaseTtl: 32 * DAY_SECONDS,
    defaultMaxRequestDuration: 90,
    logLevel: "info",
    logFormat: "standard",
    logFile: undefined,
    pidFile: undefined,
    ui: false,
    cacheSize: 131_072,
    hostnameHeader: false,
    nodeIdHeader: false,
    warnings: [],
  };
  return { configuration, caFile: made?.caFile };
}

async function devCertificates(address: string): Promise<{ readonly tls: ListenerTls; readonly caFile: string }> {
  const folder = mkdtempSync(join(tmpdir(), "coffer-dev-tls-"));
  const host = address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const made = await createApiCertificates([...new Set(["localhost", "127.0.0.1", "::1", ...(host === "" || host === "0.0.0.0" ? [] : [host])])]);
  const files = { ca: join(folder, "ca.crt"), certificate: join(folder, "api.crt"), key: join(folder, "api.key") };
  writeFileSync(files.ca, made.ca);
  writeFileSync(files.certificate, made.certificate);
  writeFileSync(files.key, made.key, { mode: 0o600 });
  const tls: ListenerTls = { certificateFile: files.certificate, keyFile: files.key, minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ciphers: [], clientCaFile: undefined, requireClientCertificate: false, acceptClientCertificates: true };
  return { tls, caFile: files.ca };
}
