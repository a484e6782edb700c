import type { Details } from "./storage.js";

/**
 * A kind of database. One file a kind; the engine knows nothing of any of them but this.
 */
export interface DatabasePlugin {
  /** Of `connection_details`, those that it reads beyond `username` and `password`. */
  readonly usernameTemplate: string;
  /** Whether there may be a template of one's own. */
  readonly customUsernames: boolean;
  /** Whether a user cannot be made without statements that say how. */
  readonly needsCreationStatements: boolean;
  /** Whether users may log in with what static roles know of them, to change their own passwords (`self_managed`). */
  readonly selfManaged?: boolean;
  /** Checks the details and prepares to connect, without connecting. Throws ConnectionError for what is missing or wrong. */
  readonly open: (details: Details) => DatabaseConnection;
}

/** One database, reached with one set of details. Any member may reject with what the driver says. */
export interface DatabaseConnection {
  /** Whether it can be reached, and lets us in. */
  verify(): Promise<void>;
  /** All statements or none, where the database can. */
  createUser(user: NewUser): Promise<void>;
  /** `statements` empty: the database's own way; nothing where users have no end. */
  renewUser(user: { readonly username: string; readonly expiration: string; readonly statements: readonly string[] }): Promise<void>;
  setPassword(user: { readonly username: string; readonly password: string; readonly statements: readonly string[] }): Promise<void>;
  /** A user that is not there is no error, whatever the statements say to it. */
  deleteUser(user: { readonly username: string; readonly statements: readonly string[] }): Promise<void>;
  close(): Promise<void>;
}

export interface NewUser {
  readonly username: string;
  readonly password: string;
  readonly expiration: string;
  readonly statements: readonly string[];
}

/** Connection details that cannot work. Its text holds no secret. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}
