import { mysql, mysqlLegacy } from "./mysql.js";
import type { DatabasePlugin } from "./plugin.js";
import { postgresql } from "./postgresql.js";
import { redis } from "./redis.js";

/** By the names that Vault gives them. */
export const PLUGINS: ReadonlyMap<string, DatabasePlugin> = new Map([
  ["postgresql-database-plugin", postgresql],
  ["mysql-database-plugin", mysql],
  ["mysql-aurora-database-plugin", mysqlLegacy],
  ["mysql-rds-database-plugin", mysqlLegacy],
  ["mysql-legacy-database-plugin", mysqlLegacy],
  ["redis-database-plugin", redis],
]);
