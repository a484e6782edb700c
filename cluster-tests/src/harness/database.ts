import { after, before } from "node:test";
import { postgresProgram, startPostgres } from "@coffer/counterparts";
import type { Postgres } from "@coffer/counterparts";
import { startCluster } from "./cluster.js";
import type { TestCluster } from "./cluster.js";
import type { NodeProcess } from "./node-process.js";

/** A cluster and a real PostgreSQL beside it, for all tests of a file. */
export interface DatabaseCluster {
  /** Of each test: skips it where there is no PostgreSQL. */
  readonly options: { readonly skip: string | false };
  readonly postgres: () => Postgres;
  readonly cluster: () => TestCluster;
  /** Mounts the engine through this node, with a role `app`. `settings`: more of the connection `pg`. */
  mountDatabase(node: NodeProcess, path: string, settings?: Readonly<Record<string, unknown>>): Promise<void>;
}

export function useDatabaseCluster(): DatabaseCluster {
  const skip = postgresProgram() === undefined && "PostgreSQL is not installed";
  let postgres: Postgres | undefined;
  let cluster: TestCluster | undefined;
  before(async () => {
    if (skip) return;
    [postgres, cluster] = await Promise.all([startPostgres(), startCluster()]);
    await postgres.query("CREATE ROLE coffer SUPERUSER LOGIN PASSWORD 'pw'");
  });
  after(async () => {
    await cluster?.stop();
    await postgres?.stop();
  });
  return {
    options: { skip },
    postgres: () => postgres!,
    cluster: () => cluster!,
    async mountDatabase(node, path, settings = {}) {
      const client = cluster!.client(node);
      await client.request("POST", `sys/mounts/${path}`, { body: { type: "database" } });
      await client.request("POST", `${path}/config/pg`, {
        body: { plugin_name: "postgresql-database-plugin", connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres!.port}/postgres?sslmode=disable`, username: "coffer", password: "pw", allowed_roles: "*", ...settings },
      });
      await client.request("POST", `${path}/roles/app`, { body: { db_name: "pg", creation_statements: `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'` } });
    },
  };
}
