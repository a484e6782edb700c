import { isIP } from "node:net";
import type { SslOptions } from "mysql2";
import { connectionUrl, flag, loginOf, text, withLogin } from "./details.js";
import { ConnectionError } from "./plugin.js";
import type { Details } from "./storage.js";

export interface MysqlAddress {
  readonly user: string;
  readonly password: string;
  readonly database: string | undefined;
  readonly ssl: SslOptions | undefined;
  /** The name that the server's certificate must have; empty: it is not checked. */
  readonly serverName: string;
  readonly place: { readonly host: string; readonly port: number } | { readonly socketPath: string };
}

const DEFAULT_PORT = 3306;
/** `user:password@tcp(host:port)/database?parameters`; the last `/` and the last `@` before it count. */
const DSN = /^(?:(.*)@)?(?:(\w+)(?:\(([^)]*)\))?)?\/([^/?]*)(?:\?([^?]*))?$/s;

/** The data source name of Go's driver, which Vault takes as `connection_url`. Throws ConnectionError. */
export function mysqlAddress(details: Details): MysqlAddress {
  const given = connectionUrl(details);
  const login = loginOf(details);
  const [, who = "", protocol = "tcp", address = "", database = "", query = ""] = DSN.exec(given) ?? [];
  if (!DSN.test(given)) throw new ConnectionError("connection_url is not of the form user:password@tcp(host:port)/database");
  const colon = who.indexOf(":");
  const part = (value: string) => withLogin(value, login);
  const parameters = new URLSearchParams(query);
  const place = placeOf(protocol, address);
  const ssl = sslOf(parameters.get("tls") ?? "", details);
  const serverName = ssl?.verifyIdentity === true ? text(details, "tls_server_name") || ("host" in place ? place.host : "") : "";
  // The driver knows names only.
  if (ssl?.verifyIdentity === true && (serverName === "" || isIP(serverName) !== 0)) throw new ConnectionError("connection_url names the server by an address: say its name in tls_server_name, or set tls_skip_verify");
  return {
    user: part(colon < 0 ? who : who.slice(0, colon)),
    password: part(colon < 0 ? "" : who.slice(colon + 1)),
    database: database === "" ? undefined : part(database),
    ssl,
    serverName,
    place,
  };
}

function placeOf(protocol: string, address: string): MysqlAddress["place"] {
  if (protocol === "unix") return { socketPath: address };
  if (protocol !== "tcp") throw new ConnectionError(`unknown network ${JSON.stringify(protocol)} in connection_url; there are tcp and unix`);
  if (address.includes(",")) throw new ConnectionError("several hosts in connection_url are not supported");
  const [, host = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(address) ?? [];
  return { host: host.replace(/^\[|\]$/g, "") || "127.0.0.1", port: Number(port ?? DEFAULT_PORT) };
}

function sslOf(mode: string, details: Details): SslOptions | undefined {
  const ca = text(details, "tls_ca");
  // One PEM text with certificate and key.
  const pair = text(details, "tls_certificate_key");
  const given = { ...(ca !== "" && { ca }), ...(pair !== "" && { cert: pair, key: pair }) };
  if (ca === "" && pair === "") {
    if (mode === "" || mode === "false") return undefined;
    if (mode === "true") return { rejectUnauthorized: true, verifyIdentity: true };
    if (mode === "skip-verify") return { rejectUnauthorized: false };
    throw new ConnectionError(`tls=${mode} in connection_url is not supported: there are true, false and skip-verify`);
  }
  const isChecked = !flag(details, "tls_skip_verify") && mode !== "skip-verify";
  return { ...given, rejectUnauthorized: isChecked, verifyIdentity: isChecked };
}
