import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, freePort, startProgram } from "@coffer/counterparts";
import { Client } from "pg";

/** A PostgreSQL server of its own, with its data in a temporary folder. */
export interface PostgresqlServer {
  readonly url: string;
  readonly port: number;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** Where Debian keeps what is not on the PATH. */
const DEBIAN = "/usr/lib/postgresql";

export function postgresqlProgram(name: string): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort().reverse() : [];
  return findProgram(...versions.map((version) => join(DEBIAN, version, "bin", name)), name);
}

/** It refuses to run as root. */
function account(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

export async function startPostgresql(): Promise<PostgresqlServer> {
  const [initdb, postgres] = [postgresqlProgram("initdb"), postgresqlProgram("postgres")];
  if (!initdb || !postgres) throw new Error("PostgreSQL is not installed");
  const owner = account();
  const folder = mkdtempSync(join(tmpdir(), "coffer-postgresql-"));
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
  const data = join(folder, "data");
  execFileSync(initdb, ["-D", data, "-U", "coffer", "--auth=trust", "--no-sync", "-E", "UTF8"], { ...owner, cwd: folder, stdio: "ignore" });
  const port = await freePort();
  const url = `postgres://coffer@127.0.0.1:${port}/postgres`;
  const query = async (sql: string) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const program = await startProgram({ command: postgres, args: ["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${folder}`, "-c", "fsync=off"], ...owner, isReady: async () => (await query("SELECT 1")).length === 1 });
  return {
    url,
    port,
    query,
    async stop() {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
