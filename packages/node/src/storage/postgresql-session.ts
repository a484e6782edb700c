import type { ClientConfig, Client } from "pg";
import type { PostgresqlStorage } from "../configuration/types.js";

export interface StoredRow {
  /** SHA-256 of the key: keys may be longer than an index of PostgreSQL takes. */
  readonly id: Buffer;
  readonly key: string;
  readonly value: Uint8Array;
}

/** One connection, and the table as it sees it. */
export interface PostgresqlSession {
  /** Until the session ends. Rejects where another session has it. */
  lock(): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  page(afterId: Buffer, limit: number): Promise<readonly StoredRow[]>;
  put(records: readonly (readonly [key: string, value: Uint8Array])[]): Promise<void>;
  remove(keys: readonly string[]): Promise<void>;
  transaction(work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 30_000;
/** A former session of a process that was killed goes away within moments. */
const LOCK_ATTEMPTS = 10;
const LOCK_PAUSE_MS = 300;
/** The upper half of the lock's number, "CFFR"; the lower one is the table's. */
const LOCK_SPACE = 0x43464652;

/** The driver is loaded when it is first needed. */
export async function connectTo({ connectionUrl, table }: PostgresqlStorage, onBroken: (session: PostgresqlSession) => void): Promise<PostgresqlSession> {
  const { default: pg } = await import("pg");
  const options: ClientConfig = { connectionString: connectionUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, query_timeout: QUERY_TIMEOUT_MS, keepAlive: true, application_name: "coffer" };
  const client = new pg.Client(options);
  const name = table.split(".").map((part) => client.escapeIdentifier(part)).join(".");
  const session = sessionOf(client, name, table);
  client.on("error", () => onBroken(session));
  client.on("end", () => onBroken(session));
  try {
    await client.connect();
    await prepare(client, name, table);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function prepare(client: Client, name: string, table: string): Promise<void> {
  // What is acknowledged is on disk, whatever the server's default.
  await client.query("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'");
  const { rows } = await client.query<{ found: string | null }>("SELECT to_regclass($1)::text AS found", [name]);
  if (rows[0]?.found === null) await client.query(`CREATE TABLE IF NOT EXISTS ${name} (id BYTEA PRIMARY KEY, key BYTEA NOT NULL, value BYTEA NOT NULL)`);
  await client.query(`SELECT id, key, value FROM ${name} LIMIT 0`).catch((error: unknown) => {
    if ((error as { code?: string }).code !== "42703") throw error;
    throw new Error(`the table ${table} is another program's (it lacks the columns id, key and value): name another one by table`);
  });
}

function sessionOf(client: Client, name: string, table: string): PostgresqlSession {
  const bytes = (text: string) => Buffer.from(text, "utf8");
  // Nothing more is asked of it once it is being closed, which must not take longer than the network allows.
  let closing: Promise<void> | undefined;
  return {
    async lock() {
      for (let left = LOCK_ATTEMPTS; ; left--) {
        const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock(($1::bigint << 32) | $2::regclass::oid::bigint) AS taken", [LOCK_SPACE, name]);
        if (rows[0]?.taken) return;
        if (left <= 1) throw new Error(`the table ${table} is in use by another process`);
        await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
      }
    },
    async get(key) {
      const { rows } = await client.query<{ value: Buffer }>(`SELECT value FROM ${name} WHERE id = sha256($1::bytea)`, [bytes(key)]);
      return rows[0]?.value;
    },
    async page(afterId, limit) {
      const { rows } = await client.query<{ id: Buffer; key: Buffer; value: Buffer }>(`SELECT id, key, value FROM ${name} WHERE id > $1 ORDER BY id LIMIT $2`, [afterId, limit]);
      return rows.map(({ id, key, value }) => ({ id, key: key.toString("utf8"), value }));
    },
    async put(records) {
      if (records.length === 0) return;
      await client.query(`INSERT INTO ${name} (id, key, value) SELECT sha256(k), k, v FROM unnest($1::bytea[], $2::bytea[]) AS t(k, v) ON CONFLICT (id) DO UPDATE SET value = EXCLUDED.value`, [records.map(([key]) => bytes(key)), records.map(([, value]) => value)]);
    },
    async remove(keys) {
      if (keys.length > 0) await client.query(`DELETE FROM ${name} WHERE id IN (SELECT sha256(k) FROM unnest($1::bytea[]) AS t(k))`, [keys.map(bytes)]);
    },
    async transaction(work) {
      await client.query("BEGIN");
      await work();
      await client.query("COMMIT");
    },
    close: () => (closing ??= client.end().catch(() => undefined)),
  };
}
