import type pg from "pg";
import { offersTls } from "./postgresql-url.js";
import type { PostgresAddress, PostgresRole, PostgresServer } from "./postgresql-url.js";

const QUERY_MS = 60_000;

/** How pg connects to one of the servers. Rejects where that does not even say whether it has TLS. */
export async function clientConfig(address: PostgresAddress, server: PostgresServer): Promise<pg.ClientConfig> {
  const { tls, user, password, database, applicationName, connectTimeoutSeconds } = address;
  const usesTls = !server.host.startsWith("/") && tls.kind !== "off" && (tls.kind === "on" || (await offersTls(server, connectTimeoutSeconds)));
  return {
    ...server,
    user,
    password,
    ...(database !== undefined && { database }),
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutSeconds * 1000,
    query_timeout: QUERY_MS,
    options: "-c timezone=UTC",
    ssl: usesTls ? tls.options : false,
  };
}

/** The first server that answers and is what is wanted. Rejects with what each said where none is. */
export async function chooseServer(address: PostgresAddress, driver: typeof pg): Promise<pg.ClientConfig> {
  const { servers, wanted } = address;
  if (servers.length === 1 && wanted === "any") return clientConfig(address, servers[0]!);
  const failures: string[] = [];
  for (const role of wanted === "prefer-standby" ? (["standby", "any"] as const) : [wanted]) {
    for (const server of servers) {
      try {
        const config = await clientConfig(address, server);
        if (await plays(new driver.Client(config), role)) return config;
        failures.push(`${server.host}:${server.port} is not ${role}`);
      } catch (error) {
        failures.push(`${server.host}:${server.port}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  throw new Error(`no server can be used: ${failures.join("; ")}`);
}

async function plays(client: pg.Client, role: PostgresRole): Promise<boolean> {
  // One that breaks while it is looked at says so by the query.
  client.on("error", () => undefined);
  try {
    await client.connect();
    if (role === "any") return true;
    const { rows } = await client.query<{ standby: boolean; readonly: string }>("SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS readonly");
    const { standby, readonly } = rows[0]!;
    const isReadOnly = standby || readonly === "on";
    return { "read-write": !isReadOnly, "read-only": isReadOnly, primary: !standby, standby, "prefer-standby": standby }[role];
  } finally {
    await client.end();
  }
}
