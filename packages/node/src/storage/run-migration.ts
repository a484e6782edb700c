import { HclError } from "@coffer/hcl";
import { ConfigurationError } from "../configuration/environment.js";
import { loadMigration } from "../configuration/migration.js";
import { createLogging } from "../logging/logger.js";
import type { Level } from "../logging/logger.js";
import { logRuntimeWarnings } from "../logging/runtime-warnings.js";
import { migrate } from "./migration.js";
import type { Migrated } from "./migration.js";
import { reasonOf } from "./reason.js";

export type MigrationOutcome = { readonly ok: true; readonly copied: Migrated; readonly warnings: readonly string[] } | { readonly ok: false; readonly problem: string };

/** Does what the file says. Never rejects for what an operator can put right. */
export async function runMigration(configPath: string, level: Level): Promise<MigrationOutcome> {
  const logger = createLogging({ level, format: "standard", file: undefined }).logger("migrate");
  const endWarnings = logRuntimeWarnings(logger);
  try {
    const configuration = loadMigration(configPath);
    return { ok: true, copied: await migrate(configuration, logger), warnings: configuration.warnings };
  } catch (error) {
    if (error instanceof HclError || error instanceof ConfigurationError) return { ok: false, problem: `the configuration cannot be used:\n  ${error.message}` };
    return { ok: false, problem: reasonOf(error) };
  } finally {
    endWarnings();
  }
}
