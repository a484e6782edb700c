import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApiCertificates } from "../../certificates/certificates.js";
import type { ListenerTls } from "../../configuration/types.js";

export interface TestCertificates {
  readonly folder: string;
  readonly ca: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** Where the server's files are; the client's issuer is `client-ca.pem`. */
  tls(overrides?: Partial<ListenerTls>): ListenerTls;
}

/** Of a server at 127.0.0.1 and one client; gone when the test ends. */
export async function testCertificates(test: { after(fn: () => Promise<void>): void }): Promise<TestCertificates> {
  const folder = await mkdtemp(join(tmpdir(), "coffer-http-"));
  test.after(() => rm(folder, { recursive: true }));
  const { ca, certificate, key } = await createApiCertificates(["127.0.0.1", "localhost"]);
  const client = await createApiCertificates(["client"]);
  const file = (name: string) => join(folder, name);
  await Promise.all([writeFile(file("server.pem"), certificate), writeFile(file("server.key"), key), writeFile(file("client-ca.pem"), client.ca)]);
  return {
    folder,
    ca,
    clientCertificate: client.certificate,
    clientKey: client.key,
    tls: (overrides = {}) => ({
      certificateFile: file("server.pem"),
      keyFile: file("server.key"),
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      ciphers: [],
      clientCaFile: file("client-ca.pem"),
      requireClientCertificate: false,
      acceptClientCertificates: true,
      ...overrides,
    }),
  };
}
