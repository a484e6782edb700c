import { RequestError } from "@coffer/state-machine";
import type { Mount } from "@coffer/state-machine";
import { text } from "./details.js";
import type { DatabaseConnection } from "./plugin.js";
import { PLUGINS } from "./plugins.js";
import type { DatabaseConfig, Details } from "./storage.js";

/**
 * Connections are this node's own, one set of them a configuration: opened when they are first needed, closed when the
 * configuration is another, when nobody has needed them for a while, when there are too many, and when the node lets go of them
 * (`releaseConnections`).
 */
interface Entry {
  /** The configuration that it was opened for, as text. */
  readonly identity: string;
  readonly connection: DatabaseConnection;
  users: number;
  usedMs: number;
  isReplaced: boolean;
  /** Statements of one configuration run one after another: servers dislike grants on the same object at the same time. */
  tail: Promise<unknown>;
}

const MAX_ENTRIES = 256;
const IDLE_MS = 300_000;
const SWEEP_MS = 60_000;
const entries = new Map<string, Entry>();
let sweeper: NodeJS.Timeout | undefined;

type Place = Pick<Mount, "entry">;
const keyOf = ({ entry }: Place, name: string) => `${entry.uuid}/${name}`;

/** Throws ConnectionError for details that cannot work. */
export function openConnection({ plugin_name, connection_details }: Pick<DatabaseConfig, "plugin_name" | "connection_details">): DatabaseConnection {
  const plugin = PLUGINS.get(plugin_name);
  if (!plugin) throw new Error(`there is no database plugin ${plugin_name}`);
  return plugin.open(connection_details);
}

/** Does work in the database of a configuration. Throws RequestError 500 with what the database says, without secrets. */
export async function withDatabase(mount: Place, name: string, config: DatabaseConfig, work: (connection: DatabaseConnection) => Promise<void>, secrets: readonly string[] = []): Promise<void> {
  const entry = entryFor(keyOf(mount, name), config);
  entry.users++;
  const turn = entry.tail.then(() => work(entry.connection));
  entry.tail = turn.catch(() => undefined);
  try {
    await turn;
  } catch (error) {
    throw new RequestError("internal", databaseError(error, [...secretsOf(config.connection_details), ...secrets]));
  } finally {
    entry.users--;
    entry.usedMs = performance.now();
    if (entry.isReplaced && entry.users === 0) void close(entry);
  }
}

function entryFor(key: string, config: DatabaseConfig): Entry {
  const identity = JSON.stringify([config.plugin_name, config.connection_details, config.revision]);
  const known = entries.get(key);
  if (known?.identity === identity) return known;
  if (known) void drop(key, known);
  const entry: Entry = { identity, connection: openConnection(config), users: 0, usedMs: performance.now(), isReplaced: false, tail: Promise.resolve() };
  entries.set(key, entry);
  if (entries.size > MAX_ENTRIES) dropOldest();
  sweeper ??= setInterval(sweep, SWEEP_MS).unref();
  return entry;
}

/** Whoever still works with it finishes, and closes it; else resolves once it is closed. */
async function drop(key: string, entry: Entry): Promise<void> {
  entries.delete(key);
  entry.isReplaced = true;
  if (entry.users === 0) await close(entry);
}

const close = (entry: Entry) => entry.connection.close().catch(() => undefined);

/** For a configuration that changed or goes. It opens again by itself, if there is still one. */
export function forgetConnection(mount: Place, name: string): void {
  const key = keyOf(mount, name);
  const entry = entries.get(key);
  if (entry) void drop(key, entry);
}

/** Of that mount, or all that this node has. */
export async function releaseConnections(mountUuid: string | undefined): Promise<void> {
  const released = [...entries].filter(([key]) => mountUuid === undefined || key.startsWith(`${mountUuid}/`));
  await Promise.all(released.map(([key, entry]) => drop(key, entry)));
}

function dropOldest(): void {
  const oldest = [...entries].filter(([, { users }]) => users === 0).sort(([, a], [, b]) => a.usedMs - b.usedMs)[0];
  if (oldest) void drop(...oldest);
}

function sweep(): void {
  for (const [key, entry] of [...entries]) if (entry.users === 0 && performance.now() - entry.usedMs > IDLE_MS) void drop(key, entry);
  if (entries.size > 0) return;
  clearInterval(sweeper);
  sweeper = undefined;
}

const SECRET_DETAILS = ["password", "private_key", "tls_certificate_key"];
export const secretsOf = (details: Details): readonly string[] => SECRET_DETAILS.map((name) => text(details, name));

/** What a driver says, without the secrets that it was given. */
export function databaseError(error: unknown, secrets: readonly string[]): string {
  // An address with several records fails with a list of failures, and no text of its own.
  const inner = error instanceof AggregateError && error.message === "" ? (error.errors[0] as unknown) : error;
  const message = inner instanceof Error ? inner.message || inner.name : String(inner);
  return secrets.filter((secret) => secret !== "").reduce((shown, secret) => shown.replaceAll(secret, "[password]"), message);
}
