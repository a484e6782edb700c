import { connect as tcp } from "node:net";
import type { Pool, PoolConnection, RowDataPacket } from "mysql2/promise";
import { maxLifetimeSeconds, poolSize } from "./details.js";
import { mysqlAddress } from "./mysql-url.js";
import type { DatabaseConnection, DatabasePlugin } from "./plugin.js";
import { fillIn, splitStatements } from "./statements.js";
import type { Values } from "./statements.js";
import type { Details } from "./storage.js";

const IDLE_MS = 60_000;
const CONNECT_MS = 10_000;
const QUERY_MS = 60_000;
const SET_PASSWORD = ["ALTER USER '{{username}}'@'%' IDENTIFIED BY '{{password}}'"];
const DROP = ["REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'", "DROP USER '{{name}}'@'%'"];

const common = { customUsernames: true, needsCreationStatements: true, open: openMysql } as const;

/** https://developer.hashicorp.com/vault/api-docs/secret/databases/mysql-maria: names of up to 32 characters. */
export const mysql: DatabasePlugin = {
  ...common,
  usernameTemplate: '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) (unix_time) | truncate 32 }}',
};

/** For servers whose names have at most 16 characters (MySQL before 5.7.8). */
export const mysqlLegacy: DatabasePlugin = {
  ...common,
  usernameTemplate: '{{ printf "v-%s-%s" (.RoleName | truncate 4) (random 20) | truncate 16 }}',
};

function openMysql(details: Details): DatabaseConnection {
  const { place, user, password, database, ssl, serverName } = mysqlAddress(details);
  const { open, idle } = poolSize(details);
  const lifetimeMs = maxLifetimeSeconds(details) * 1000;
  // The driver checks the certificate against `host`: where that is to be another name than it connects to, we connect.
  const named = serverName !== "" && "host" in place ? { ...place, host: serverName, stream: () => tcp({ host: place.host, port: place.port, noDelay: true }) } : place;
  let pool: { readonly pool: Pool; readonly sinceMs: number } | undefined;

  async function connect(): Promise<PoolConnection> {
    // The driver is loaded when it is first needed: most nodes have no such database.
    const { createPool } = await import("mysql2/promise");
    if (pool && lifetimeMs > 0 && performance.now() - pool.sinceMs > lifetimeMs) await close();
    pool ??= { pool: createPool({ ...named, user, password, ...(database !== undefined && { database }), ...(ssl && { ssl }), connectionLimit: open, maxIdle: idle, idleTimeout: IDLE_MS, connectTimeout: CONNECT_MS }), sinceMs: performance.now() };
    return pool.pool.getConnection();
  }

  async function withConnection<T>(work: (query: (sql: string, values?: readonly string[]) => Promise<unknown>) => Promise<T>): Promise<T> {
    const connection = await connect();
    try {
      const result = await work(async (sql, values) => (await connection.query({ sql, values: values && [...values], timeout: QUERY_MS }))[0]);
      connection.release();
      return result;
    } catch (error) {
      // Its transaction, if there is one, ends with it.
      connection.destroy();
      throw error;
    }
  }

  /** One transaction; what changes users (CREATE USER, GRANT) commits by itself all the same: that is how MySQL is. */
  const run = (statements: readonly string[], values: Values) =>
    withConnection(async (query) => {
      await query("START TRANSACTION");
      for (const statement of statements) await query(fillIn(statement, values));
      await query("COMMIT");
    });
  const exists = (username: string) => withConnection(async (query) => ((await query("SELECT 1 FROM mysql.user WHERE user = ?", [username])) as RowDataPacket[]).length > 0);

  async function close(): Promise<void> {
    const ending = pool;
    pool = undefined;
    await ending?.pool.end();
  }

  return {
    verify: () => withConnection(async (query) => void (await query("SELECT 1"))),
    createUser: ({ username, password: own, expiration, statements }) => run(splitStatements(statements), { name: username, username, password: own, expiration }),
    // Users of MySQL have no end of their own.
    renewUser: ({ username, expiration, statements }) => (statements.length > 0 ? run(splitStatements(statements), { name: username, username, expiration }) : Promise.resolve()),
    setPassword: ({ username, password: own, statements }) => run(statements.length > 0 ? splitStatements(statements) : SET_PASSWORD, { name: username, username, password: own }),
    async deleteUser({ username, statements }) {
      try {
        await run(statements.length > 0 ? splitStatements(statements) : DROP, { name: username, username });
      } catch (error) {
        // Done before, or never made: then there is nothing to revoke.
        if (await exists(username).catch(() => true)) throw error;
      }
    },
    close,
  };
}
