import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import { Client } from "ldapts";
import { invalid } from "@coffer/state-machine";
import { serversOf, tlsVersion } from "./config.js";
import type { LdapSettings, ServerAddress } from "./config.js";

const MS = 1000;
const DEFAULT_TIMEOUT_SECONDS = 90;
/** Node's timers know no longer one, and take it for none at all. */
const LONGEST_MS = 2 ** 31 - 1;

const milliseconds = (seconds: number): number => Math.min((seconds || DEFAULT_TIMEOUT_SECONDS) * MS, LONGEST_MS);

export interface LdapConnection {
  readonly client: Client;
  close(): void;
}

/** To the first server that answers. Throws RequestError 400 where none does. */
export async function openConnection(settings: LdapSettings): Promise<LdapConnection> {
  const problems: string[] = [];
  for (const server of serversOf(settings.url)) {
    try {
      return await openTo(server, settings);
    } catch (error) {
      problems.push(`error connecting to host ${JSON.stringify(server.url)}: ${error instanceof Error ? error.message : "unknown error"}`);
    }
  }
  throw invalid(problems.join("; "));
}

async function openTo(server: ServerAddress, settings: LdapSettings): Promise<LdapConnection> {
  const limitMs = milliseconds(settings.connection_timeout);
  const tls = tlsOptions(server, settings);
  const socket = server.isSecure ? connectTls({ ...tls, port: server.port }) : connect(server.port, server.host);
  let isTaken = false;
  // The library would open a lost connection anew by itself: without an account, and without TLS where that came by StartTLS.
  const takeOnce = (): Socket => {
    if (isTaken) throw new Error("the connection was lost");
    isTaken = true;
    return socket;
  };
  const client = new Client({ url: `ldap://${isIP(server.host) === 6 ? `[${server.host}]` : server.host}`, timeout: milliseconds(settings.request_timeout), createConnection: takeOnce as typeof connect });
  const close = () => {
    // Whatever is still under way fails, and so does the socket: nobody is left to hear of it.
    socket.on("error", () => undefined);
    socket.destroy();
  };
  try {
    await within(limitMs, once(socket, server.isSecure ? "secureConnect" : "connect"));
    if (settings.starttls && !server.isSecure) await within(limitMs, client.startTLS(tls));
    return { client, close };
  } catch (error) {
    close();
    throw error;
  }
}

function once(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once(event, () => {
      // The library listens from its first request on.
      socket.on("error", () => undefined);
      socket.removeListener("error", reject);
      resolve();
    });
  });
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs / MS} seconds`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws nothing: the configuration was checked when it was written. */
function tlsOptions({ host }: ServerAddress, settings: LdapSettings): ConnectionOptions {
  return {
    host,
    ...(isIP(host) === 0 && { servername: host }),
    minVersion: tlsVersion(settings.tls_min_version),
    maxVersion: tlsVersion(settings.tls_max_version),
    rejectUnauthorized: !settings.insecure_tls,
    ...(settings.certificate !== "" && { ca: settings.certificate }),
    ...(settings.client_tls_cert !== "" && { cert: settings.client_tls_cert, key: settings.client_tls_key }),
  };
}
