import { createRequire } from "node:module";
import { compileEngine } from "@coffer/state-machine";
import type { CompiledEngine, Engine, MountEntry } from "@coffer/state-machine";

/**
 * Modules are loaded by `require`, at once and when their engine is first needed: all of them together, with the libraries that
 * they stand on, take as much time as everything else that a node does before it answers. Requests are routed without a wait.
 */
const load = createRequire(import.meta.url);
const engineIn = (file: string, name: string) => (): Engine => (load(file) as Readonly<Record<string, Engine>>)[name]!;

/** One line an engine, by its table and type; kv by its version too. sys/ is not here: it belongs to the state machine. */
const ENGINES: Readonly<Record<MountEntry["table"], Readonly<Record<string, () => Engine>>>> = {
  secret: {
    aws: engineIn("./aws/engine.js", "aws"),
    cubbyhole: engineIn("./cubbyhole/engine.js", "cubbyhole"),
    database: engineIn("./database/engine.js", "database"),
    identity: engineIn("./identity/engine.js", "identity"),
    "kv-v1": engineIn("./kv/engine.js", "kvV1"),
    "kv-v2": engineIn("./kv/engine.js", "kvV2"),
    pki: engineIn("./pki/engine.js", "pki"),
    ssh: engineIn("./ssh/engine.js", "ssh"),
    totp: engineIn("./totp/engine.js", "totp"),
    transit: engineIn("./transit/engine.js", "transit"),
  },
  auth: {
    approle: engineIn("./approle/engine.js", "approle"),
    aws: engineIn("./aws-auth/engine.js", "awsAuth"),
    cert: engineIn("./cert/engine.js", "cert"),
    github: engineIn("./github/engine.js", "github"),
    jwt: engineIn("./jwt/engine.js", "jwt"),
    kubernetes: engineIn("./kubernetes/engine.js", "kubernetes"),
    ldap: engineIn("./ldap/engine.js", "ldap"),
    oidc: engineIn("./jwt/engine.js", "oidc"),
    token: engineIn("./token/engine.js", "token"),
    userpass: engineIn("./userpass/engine.js", "userpass"),
  },
};

/** What was needed so far. */
const compiled = new Map<() => Engine, CompiledEngine>();

/** Engine types that may be mounted, by name. sys/ takes `kv-v1` and `kv-v2` for kv with a version. */
export const mountableTypes: Readonly<Record<MountEntry["table"], readonly string[]>> = {
  secret: ["aws", "database", "kv", "pki", "ssh", "totp", "transit"],
  auth: ["approle", "aws", "cert", "github", "jwt", "kubernetes", "ldap", "oidc", "userpass"],
};

/** Plugins of the database engine (`database/plugins.ts`), for lists that must not load it. */
export const databasePlugins: readonly string[] = ["mysql-aurora-database-plugin", "mysql-database-plugin", "mysql-legacy-database-plugin", "mysql-rds-database-plugin", "postgresql-database-plugin", "redis-database-plugin"];

/** What this node has open outside of storage is closed: for the mount of that uuid, or for all (`Engine.release`). */
export async function releaseMounts(mountUuid?: string): Promise<void> {
  await Promise.all([...compiled.values()].map(({ engine }) => engine.release?.(mountUuid)));
}

/** The engine that serves a mount; undefined for a type or kv version that there is not. The first time of a type it is loaded. */
export function engineFor({ type, table, options }: Pick<MountEntry, "type" | "table" | "options">): CompiledEngine | undefined {
  const name = type === "kv" ? `kv-v${options?.["version"] ?? "1"}` : type;
  // `kv-v2` is a name of sys/, and no type that a mount has.
  const isKnown = Object.hasOwn(ENGINES[table], name) && (type === "kv" || !type.startsWith("kv-"));
  return isKnown ? compiledBy(ENGINES[table][name]!) : undefined;
}

function compiledBy(make: () => Engine): CompiledEngine {
  const found = compiled.get(make) ?? compileEngine(make());
  compiled.set(make, found);
  return found;
}

/** Loads all that there are: for what looks at every declaration, as tests do. */
export function allEngines(): readonly Engine[] {
  return Object.values(ENGINES).flatMap((table) => Object.values(table)).map((make) => compiledBy(make).engine);
}
