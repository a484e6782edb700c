import { connect } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { connectionUrl, flag, loginOf, text, withLogin } from "./details.js";
import type { Login } from "./details.js";
import { ConnectionError } from "./plugin.js";
import type { Details } from "./storage.js";

/** How a database is reached, in pg's words. */
export interface PostgresAddress {
  /** Tried in this order; one in nearly every case. */
  readonly servers: readonly PostgresServer[];
  readonly wanted: PostgresRole;
  readonly user: string;
  readonly password: string;
  readonly database: string | undefined;
  readonly applicationName: string;
  readonly connectTimeoutSeconds: number;
  readonly tls: PostgresTls;
}

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
}

/** Which of several servers will do, as libpq's target_session_attrs. */
const ROLES = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;
export type PostgresRole = (typeof ROLES)[number];

/** As libpq's sslmode: `prefer` asks the server first. */
export type PostgresTls = { readonly kind: "off" } | { readonly kind: "prefer" | "on"; readonly options: ConnectionOptions };

const DEFAULT_PORT = 5432;
const DEFAULT_TIMEOUT_SECONDS = 10;
const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type SslMode = (typeof SSL_MODES)[number];

/** A URL (`postgresql://…`) or keywords (`host=… user=…`), as libpq takes them. Throws ConnectionError. */
export function postgresAddress(details: Details): PostgresAddress {
  const given = connectionUrl(details);
  const login = loginOf(details);
  const settings = /^postgres(ql)?:\/\//.test(given) ? fromUrl(given, login, flag(details, "disable_escaping")) : fromKeywords(given, login);
  const servers = serversOf(settings["host"] ?? "", settings["port"] ?? "");
  const wanted = settings["target_session_attrs"] ?? "any";
  if (!ROLES.includes(wanted as PostgresRole)) throw new ConnectionError(`invalid target_session_attrs ${JSON.stringify(wanted)} in connection_url`);
  return {
    servers,
    wanted: wanted as PostgresRole,
    user: settings["user"] ?? "",
    password: settings["password"] ?? "",
    database: settings["dbname"],
    applicationName: settings["application_name"] ?? "vault",
    connectTimeoutSeconds: Number(settings["connect_timeout"]) || DEFAULT_TIMEOUT_SECONDS,
    tls: tlsOf(settings["sslmode"] ?? "prefer", servers, details),
  };
}

/** Comma lists, as libpq has them: one port for all hosts, or one each; an empty one is the default. */
function serversOf(hosts: string, ports: string): readonly PostgresServer[] {
  const names = hosts.split(",");
  const numbers = ports.split(",");
  if (numbers.length !== 1 && numbers.length !== names.length) throw new ConnectionError(`connection_url has ${names.length} hosts and ${numbers.length} ports`);
  return names.map((host, i) => {
    const text = numbers[numbers.length === 1 ? 0 : i]!;
    const port = text === "" ? DEFAULT_PORT : Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new ConnectionError("invalid port in connection_url");
    return { host: host === "" ? "localhost" : host, port };
  });
}

type Settings = Readonly<Record<string, string | undefined>>;

/**
 * The login is filled in after the URL is taken apart, so that no character of it needs escaping; with `disable_escaping` it is
 * escaped by whoever wrote it.
 */
function fromUrl(given: string, { username, password }: Login, isEscaped: boolean): Settings {
  // Several hosts, or none before a socket's path, only PostgreSQL calls a URL: they are taken out before it is read as one.
  const [, scheme, who = "", places, rest] = /^(\w+:\/\/)([^/?#]*@)?([^/?#]*)(.*)$/s.exec(given)!;
  let url: URL;
  try {
    url = new URL(`${scheme}${who}${PLACEHOLDER}${rest}`);
  } catch {
    throw new ConnectionError("connection_url is not a URL");
  }
  const login = isEscaped ? { username: decode(username), password: decode(password) } : { username, password };
  const part = (value: string) => (value === "" ? undefined : withLogin(decode(value), login));
  const query = Object.fromEntries([...url.searchParams].map(([key, value]) => [key, withLogin(value, login)]));
  const { host, port } = placesOf(places!);
  return {
    ...query,
    host: part(host) ?? query["host"],
    port: part(port) ?? query["port"],
    user: part(url.username) ?? query["user"],
    password: part(url.password) ?? query["password"],
    dbname: part(url.pathname.slice(1)) ?? query["dbname"],
  };
}

const PLACEHOLDER = "host";

/** `host:port,[::1],other` as two comma lists. */
function placesOf(text: string): { readonly host: string; readonly port: string } {
  const places = text.split(",").map((place) => /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(place));
  if (places.some((place) => !place)) throw new ConnectionError("connection_url is not a URL");
  const ports = places.map((place) => place![3] ?? "");
  return { host: places.map((place) => place![1] ?? place![2]).join(","), port: ports.every((port) => port === "") ? "" : ports.join(",") };
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new ConnectionError("connection_url has a % that escapes nothing");
  }
}

function fromKeywords(given: string, login: Login): Settings {
  const settings: Record<string, string> = {};
  const rest = given.replace(/\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)+))/g, (_whole, key: string, quoted?: string, bare?: string) => {
    settings[key] = withLogin((quoted ?? bare ?? "").replace(/\\(.)/g, "$1"), login);
    return "";
  });
  if (rest.trim() !== "") throw new ConnectionError("connection_url is neither a postgresql:// URL nor a list of key=value");
  return settings;
}

function tlsOf(mode: string, servers: readonly PostgresServer[], details: Details): PostgresTls {
  if (!SSL_MODES.includes(mode as SslMode)) throw new ConnectionError(`invalid sslmode ${JSON.stringify(mode)} in connection_url`);
  if (mode === "disable" || servers.every(({ host }) => host.startsWith("/"))) return { kind: "off" };
  const ca = text(details, "tls_ca");
  const certificate = text(details, "tls_certificate");
  const key = text(details, "private_key");
  if ((certificate === "") !== (key === "")) throw new ConnectionError("tls_certificate and private_key go together");
  const options: ConnectionOptions = {
    ...(ca !== "" && { ca }),
    ...(certificate !== "" && { cert: certificate, key }),
    // libpq checks no certificate unless it is asked to, or has been told whom to trust.
    rejectUnauthorized: mode.startsWith("verify") || (mode === "require" && ca !== ""),
    ...(mode !== "verify-full" && { checkServerIdentity: () => undefined }),
  };
  return { kind: mode === "allow" || mode === "prefer" ? "prefer" : "on", options };
}

/** An SSLRequest (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL): the server answers S or N. */
export function offersTls({ host, port }: PostgresServer, connectTimeoutSeconds: number): Promise<boolean> {
  const request = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.write(request));
    socket.setTimeout(connectTimeoutSeconds * 1000, () => socket.destroy(new Error("timeout expired")));
    socket.once("error", reject);
    socket.once("data", (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk[0] === 0x53);
    });
    socket.once("close", () => reject(new Error("the server closed the connection")));
  });
}
