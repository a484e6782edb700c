import { readFileSync, readdirSync } from "node:fs";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { join } from "node:path";
import { ClientSetupError } from "./errors.js";
import { DEFAULT_ADDRESS, type ClientOptions } from "./options.js";

/** Where the requests go, and the keep-alive agent they go over. */
export type Connection = {
  readonly base: URL;
  readonly socketPath: string | undefined;
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
};

export function openConnection(options: ClientOptions): Connection {
  const { base, socketPath } = parseAddress(options.address ?? DEFAULT_ADDRESS);
  return {
    base,
    socketPath,
    httpAgent: new HttpAgent({ keepAlive: true }),
    httpsAgent: new HttpsAgent({ keepAlive: true, minVersion: "TLSv1.2", ...tlsOptions(options) }),
  };
}

function parseAddress(address: string): { base: URL; socketPath: string | undefined } {
  if (address.startsWith("unix://")) return { base: new URL("http://localhost/"), socketPath: address.slice("unix://".length) };
  let base: URL;
  try {
    base = new URL(address);
  } catch {
    throw new ClientSetupError(`"${address}" is not an address: expected something like https://127.0.0.1:8200`);
  }
  if (base.protocol !== "http:" && base.protocol !== "https:") {
    throw new ClientSetupError(`"${address}" is not an address: it must begin with http:// or https:// (or unix://)`);
  }
  return { base, socketPath: undefined };
}

function tlsOptions(options: ClientOptions): Record<string, unknown> {
  const tls: Record<string, unknown> = {};
  const ca = authorities(options);
  if (ca !== undefined) tls["ca"] = ca;
  if ((options.clientCert === undefined) !== (options.clientKey === undefined)) {
    throw new ClientSetupError("both client cert and client key must be provided");
  }
  if (options.clientCert !== undefined) tls["cert"] = readPem(options.clientCert);
  if (options.clientKey !== undefined) tls["key"] = readPem(options.clientKey);
  if (options.skipVerify === true) tls["rejectUnauthorized"] = false;
  if (options.tlsServerName !== undefined) tls["servername"] = options.tlsServerName;
  return tls;
}

function authorities(options: ClientOptions): string | string[] | undefined {
  if (options.caCertPem !== undefined) return options.caCertPem;
  if (options.caCert !== undefined) return readPem(options.caCert);
  const directory = options.caPath;
  if (directory === undefined) return undefined;
  let files: string[];
  try {
    files = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  } catch (cause) {
    throw new ClientSetupError(`cannot read the CA directory ${directory}`, { cause });
  }
  return files.map((file) => readPem(join(directory, file)));
}

function readPem(path: string): string {
  if (path.startsWith("-----BEGIN ")) return path;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ClientSetupError(`cannot read ${path}`, { cause });
  }
}
