import assert from "node:assert/strict";
import pg from "pg";
import { startPostgres } from "@coffer/counterparts";
import { createHarness } from "./harness.js";
import type { Harness } from "./harness.js";

export const CREATE = [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}"`];

/** A server with one table, and what tests ask of it. */
export type PostgresFixture = Awaited<ReturnType<typeof postgresFixture>>;

export async function postgresFixture() {
  const server = await startPostgres();
  const client = async (user: string, password: string): Promise<pg.Client> => {
    const made = new pg.Client({ connectionString: server.url(user, password) });
    // A server that goes is no error of the test.
    made.on("error", () => undefined);
    await made.connect();
    return made;
  };
  let admin = await client(server.superuser, server.password);
  await admin.query("CREATE TABLE things (name text); INSERT INTO things VALUES ('lamp')");
  let made = 0;

  async function logsIn(user: string, password: string): Promise<boolean> {
    try {
      const own = await client(user, password);
      await own.query("SELECT name FROM things");
      await own.end();
      return true;
    } catch {
      return false;
    }
  }

  /** A mount whose connection has an administrator of its own, with a role `app<n>`, on a clock that begins with the server's. */
  async function service(config: Record<string, unknown> = {}, role: Record<string, unknown> = {}) {
    const number = made++;
    const root = `root${number}`;
    const app = `app${number}`;
    await admin.query(`CREATE ROLE ${root} SUPERUSER LOGIN PASSWORD '${FIRST_PASSWORD}'`);
    const harness = await createHarness({ seed: root });
    harness.clock.advance((Date.now() - harness.clock.now()) / 1000);
    await harness.mount("database", "database");
    const written = await harness.request("POST", "database/config/pg", { plugin_name: "postgresql-database-plugin", connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${server.port}/postgres`, username: root, password: FIRST_PASSWORD, allowed_roles: "*", ...config });
    assert.equal(written.status, 204, written.text);
    assert.equal((await harness.request("POST", `database/roles/${app}`, { db_name: "pg", creation_statements: CREATE, default_ttl: "1h", max_ttl: "24h", ...role })).status, 204);
    const creds = async () => {
      const { status, body, text } = await harness.request("GET", `database/creds/${app}`);
      assert.equal(status, 200, text);
      return { username: body["data"].username as string, password: body["data"].password as string, lease: body["lease_id"] as string, ttl: body["lease_duration"] as number };
    };
    return { ...harness, root, app, creds, users: () => rolesLike(`v-root-${app}-%`), close: () => harness.request("DELETE", "database/config/pg") };
  }
  const rolesLike = async (like: string) => (await admin.query<{ rolname: string }>("SELECT rolname FROM pg_roles WHERE rolname LIKE $1 ORDER BY 1", [like])).rows.map(({ rolname }) => rolname);

  return {
    server,
    service,
    logsIn,
    rolesLike,
    run: async (sql: string) => void (await admin.query(sql)),
    sessionsOf: async (user: string) => (await admin.query("SELECT 1 FROM pg_stat_activity WHERE usename = $1", [user])).rows.length,
    roleOf: async (name: string) => (await admin.query<{ rolvaliduntil: Date; rolpassword: string }>("SELECT rolvaliduntil, rolpassword FROM pg_authid WHERE rolname = $1", [name])).rows[0]!,
    async halt() {
      await admin.end();
      await server.halt();
    },
    async start() {
      await server.start();
      admin = await client(server.superuser, server.password);
    },
    async stop() {
      await admin.end().catch(() => undefined);
      await server.stop();
    },
  };
}

/** With what a URL would have to escape. */
export const FIRST_PASSWORD = "first/@:";

/** Entries of intents that are under way. */
export const intents = async ({ store }: Pick<Harness, "store">) => (await store.evaluate((tx) => tx.keys("core/wal/"))).value.length;

/** The node dies when the request has done everything but write: resolves when it has. */
export function dieBeforeCommit({ store }: Pick<Harness, "store">): { readonly dead: Promise<void>; readonly revive: () => void } {
  const { commit } = store;
  const mortal = store as { commit: typeof store.commit };
  const dead = new Promise<void>((resolve) => {
    mortal.commit = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  return { dead, revive: () => (mortal.commit = commit) };
}

/** The same for work in the background: the node dies when that has done everything but write a key that ends with this. */
export function dieBeforeWriting({ store }: Pick<Harness, "store">, key: string): { readonly dead: Promise<void>; readonly revive: () => void } {
  const { transact } = store;
  const mortal = store as { transact: typeof store.transact };
  const dead = new Promise<void>((resolve) => {
    mortal.transact = async (run) => {
      for (;;) {
        const evaluated = await store.evaluate(run);
        if (evaluated.writeSet?.puts.some(([written]) => written.endsWith(key))) {
          resolve();
          return new Promise(() => undefined);
        }
        const outcome = await store.commit(evaluated);
        if (outcome.outcome !== "conflict") return { value: evaluated.value, outcome };
      }
    };
  });
  return { dead, revive: () => (mortal.transact = transact) };
}
