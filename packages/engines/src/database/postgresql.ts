import type pg from "pg";
import { maxLifetimeSeconds, poolSize, text } from "./details.js";
import { ConnectionError } from "./plugin.js";
import type { DatabaseConnection, DatabasePlugin } from "./plugin.js";
import { chooseServer } from "./postgresql-server.js";
import { postgresAddress } from "./postgresql-url.js";
import { scramVerifier } from "./scram.js";
import { fillIn, splitStatements, unpack } from "./statements.js";
import type { Values } from "./statements.js";
import type { Details } from "./storage.js";

const IDLE_MS = 60_000;
const RENEW = [`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`];
const SET_PASSWORD = [`ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}'`];
const PASSWORD_AUTHENTICATIONS = ["", "password", "scram-sha-256"];

/** https://developer.hashicorp.com/vault/api-docs/secret/databases/postgresql */
export const postgresql: DatabasePlugin = {
  usernameTemplate: '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}',
  customUsernames: true,
  needsCreationStatements: true,
  selfManaged: true,
  open: openPostgres,
};

function openPostgres(details: Details): DatabaseConnection {
  const address = postgresAddress(details);
  const size = poolSize(details);
  const lifetime = maxLifetimeSeconds(details);
  const authentication = text(details, "password_authentication");
  if (!PASSWORD_AUTHENTICATIONS.includes(authentication)) throw new ConnectionError(`'${authentication}' is not a valid password authentication type`);
  const hasChoice = address.servers.length > 1;
  let pool: Promise<pg.Pool> | undefined;

  async function makePool(): Promise<pg.Pool> {
    // The driver is loaded when it is first needed: most nodes have no such database.
    const { default: driver } = await import("pg");
    const made = new driver.Pool({ ...(await chooseServer(address, driver)), max: size.open, min: 0, idleTimeoutMillis: IDLE_MS, maxLifetimeSeconds: lifetime });
    // A connection that breaks while idle is replaced when one is next needed.
    made.on("error", () => undefined);
    return made;
  }

  function poolNow(): Promise<pg.Pool> {
    pool ??= makePool().catch((error: unknown) => {
      pool = undefined;
      throw error;
    });
    return pool;
  }

  async function close(): Promise<void> {
    const open = pool;
    pool = undefined;
    await (await open?.catch(() => undefined))?.end();
  }

  /** Where there are several servers and the one that was chosen has gone, another one. */
  async function connect(): Promise<pg.PoolClient> {
    const isNew = pool === undefined;
    try {
      return await (await poolNow()).connect();
    } catch (error) {
      if (isNew || !hasChoice) throw error;
      await close();
      return (await poolNow()).connect();
    }
  }

  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await connect();
    let failure: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // After an error the connection's state is not known.
      client.release(failure);
      // Nor whether the server is still the one that is wanted: a primary may have become a standby.
      if (failure && hasChoice) void close();
    }
  }

  const run = (statements: readonly string[], values: Values) =>
    withClient(async (client) => {
      await client.query("BEGIN");
      for (const statement of statements) await client.query(fillIn(statement, values));
      await client.query("COMMIT");
    });
  const stored = async (password: string) => (authentication === "scram-sha-256" ? scramVerifier(password) : password);
  const exists = async (username: string) => withClient(async (client) => (await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [username])).rows.length > 0);

  return {
    verify: () => withClient(async (client) => void (await client.query("SELECT 1"))),
    async createUser({ username, password, expiration, statements }) {
      await run(postgresStatements(statements), { name: username, username, password: await stored(password), expiration });
    },
    renewUser: ({ username, expiration, statements }) => run(statements.length > 0 ? splitStatements(statements) : RENEW, { name: username, username, expiration }),
    async setPassword({ username, password, statements }) {
      await run(statements.length > 0 ? splitStatements(statements) : SET_PASSWORD, { name: username, username, password: await stored(password) });
    },
    async deleteUser({ username, statements }) {
      if (statements.length === 0) return withClient((client) => dropRole(client, username));
      try {
        await run(postgresStatements(statements), { name: username, username });
      } catch (error) {
        // Done before, or never made: then there is nothing to revoke.
        if (await exists(username).catch(() => true)) throw error;
      }
    },
    close,
  };
}

/** An entry with an END (of a function or a DO block) goes to the server whole: its semicolons are its own. */
export function postgresStatements(entries: readonly string[]): readonly string[] {
  return entries.flatMap((entry) => {
    const whole = unpack(entry.trim());
    return /\bEND\b/.test(whole.replace(/"[^"]*"|'[^']*'/g, "")) ? [whole] : splitStatements([entry]);
  });
}

/** What Vault does without revocation statements: takes all rights away, as many of them as can be, so that the role can be dropped. */
async function dropRole(client: pg.PoolClient, username: string): Promise<void> {
  const found = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [username]);
  if (found.rows.length === 0) return;
  const role = client.escapeIdentifier(username);
  const granted = await client.query<{ table_schema: string }>("SELECT DISTINCT table_schema FROM information_schema.role_column_grants WHERE grantee = $1", [username]);
  const { rows: [{ name } = { name: "" }] } = await client.query<{ name: string }>("SELECT current_database() AS name");
  const schemas = [...new Set([...granted.rows.map(({ table_schema }) => table_schema), "public"])].map((schema) => client.escapeIdentifier(schema));
  const revocations = [
    ...schemas.flatMap((schema) => [`ALL PRIVILEGES ON ALL TABLES IN SCHEMA ${schema}`, `ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA ${schema}`, `USAGE ON SCHEMA ${schema}`]),
    `CONNECT ON DATABASE ${client.escapeIdentifier(name)}`,
  ];
  let failure: unknown;
  // Not one transaction: what can be taken away is, even if something else cannot.
  for (const what of revocations) await client.query(`REVOKE ${what} FROM ${role}`).catch((error: unknown) => (failure = error));
  if (failure !== undefined) throw failure;
  await client.query(`DROP ROLE IF EXISTS ${role}`);
}
