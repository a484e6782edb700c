import { RequestError } from "@coffer/state-machine";
import { databaseError, openConnection, secretsOf } from "./connections.js";
import type { DatabaseConnection } from "./plugin.js";
import type { DatabaseConfig } from "./storage.js";

/**
 * Users that change their own password: that of a connection, and on a self-managed connection those of its static roles. Whoever
 * does that has to log in with the password that the database has, which after a crash may be either of two.
 */

/** The same database, with this user to log in. */
export const asUser = (config: DatabaseConfig, username: string, password: string): DatabaseConfig => ({ ...config, connection_details: { ...config.connection_details, username, password } });

/** Does work in a connection of its own. Throws RequestError 500 with what the database says, without secrets. */
export async function withLogin(config: DatabaseConfig, work: (database: DatabaseConnection) => Promise<void>, secrets: readonly string[] = []): Promise<void> {
  const failure = await enter(config, work, secrets);
  if (failure !== undefined) throw new RequestError("internal", failure);
}

export interface OwnPassword {
  readonly config: DatabaseConfig;
  readonly username: string;
  /** What is stored, and is to be the database's. */
  readonly stored: string;
  /** What the database may have instead, by a change that was never stored. */
  readonly changed: string;
  readonly statements: readonly string[];
}

/**
 * Makes the stored password the database's again; whichever of the two lets us in tells what there is to do. `beforeChange` is called
 * before anything is changed. Throws where neither is taken.
 */
export async function restoreOwnPassword({ config, username, stored, changed, statements }: OwnPassword, beforeChange: () => void): Promise<void> {
  const failure = await enter(asUser(config, username, stored), async () => undefined, [changed]);
  if (failure === undefined) return;
  beforeChange();
  const undone = await enter(asUser(config, username, changed), (database) => database.setPassword({ username, password: stored, statements }), [stored]);
  if (undone !== undefined) throw new Error(`neither the stored password nor the one that was to replace it is taken: ${failure}`);
}

/** Undefined where it went well, else what the database says. */
async function enter(config: DatabaseConfig, work: (database: DatabaseConnection) => Promise<void>, secrets: readonly string[]): Promise<string | undefined> {
  const database = openConnection(config);
  try {
    await database.verify();
    await work(database);
    return undefined;
  } catch (error) {
    return databaseError(error, [...secretsOf(config.connection_details), ...secrets]);
  } finally {
    await database.close();
  }
}
