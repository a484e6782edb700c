import { invalid, RequestError } from "../errors.js";
import type { Environment, MountConfig, MountEntry } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import type { StoreTransaction } from "../store/index.js";
import { forgetPaths, leavePath } from "./former.js";

/**
 * The mount table: one row a mount, so that its size has no limit, and a list of all rows' keys that every change rewrites.
 * That list is the guard: whoever routes by the table reads it, and a change under a running request is a conflict.
 * All functions take storage scoped to `core/`.
 */
export type Table = MountEntry["table"];

/** Full paths (`secret/`, `auth/token/`) to uuids, in one value, rewritten by each change. */
type MountIndex = Readonly<Record<string, string>>;

const INDEX = "mounts/index";
const rowKey = (uuid: string) => `mounts/row/${uuid}`;
const doomedKey = (uuid: string) => `mounts/doomed/${uuid}`;
const DOOMED = "core/mounts/doomed/";
const indexCodec = jsonCodec<MountIndex>();
const rowCodec = jsonCodec<MountEntry>();
const doomedCodec = jsonCodec<{ readonly entry: MountEntry }>();
const migrationCodec = jsonCodec<{ readonly from: string; readonly to: string; readonly status: string }>();
const EMPTY: MountIndex = Object.freeze({});

/** Mounts that are part of the house. */
const PROTECTED = ["audit/", "sys/", "cubbyhole/", "identity/", "auth/token/", "auth/sys/"];
const MAX_PATH = 256;

export function fullPath(entry: Pick<MountEntry, "table" | "path">): string {
  return entry.table === "auth" ? `auth/${entry.path}` : entry.path;
}

export function mountIndex(storage: ReadStorage): MountIndex {
  return storage.get(INDEX, indexCodec) ?? EMPTY;
}

/** Also of a mount that was removed, until its storage is gone: its leases have to be revoked with what is there. */
export function mountRow(storage: ReadStorage, uuid: string): MountEntry | undefined {
  return storage.get(rowKey(uuid), rowCodec) ?? storage.get(doomedKey(uuid), doomedCodec)?.entry;
}

export function listMounts(storage: ReadStorage, table?: Table): MountEntry[] {
  const entries = Object.values(mountIndex(storage)).map((uuid) => mountRow(storage, uuid)!);
  return entries.filter((entry) => !table || entry.table === table).sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function getMount(storage: ReadStorage, table: Table, path: string): MountEntry | undefined {
  const uuid = mountIndex(storage)[fullPath({ table, path })];
  return uuid === undefined ? undefined : mountRow(storage, uuid);
}

export interface NewMount {
  readonly table: Table;
  readonly path: string;
  readonly type: string;
  readonly description?: string;
  readonly local?: boolean;
  readonly sealWrap?: boolean;
  readonly externalEntropyAccess?: boolean;
  readonly options?: Readonly<Record<string, string>> | null;
  readonly config?: Partial<MountConfig>;
}

/** Throws RequestError 400 where the path is taken, reserved or malformed. */
export function addMount(storage: WriteStorage, mount: NewMount, env: Environment): MountEntry {
  const full = fullPath(mount);
  checkFree(storage, mount.table, full);
  return writeMount(storage, mount, env);
}

/** Also for the mounts of the house. */
function writeMount(storage: WriteStorage, mount: NewMount, env: Environment): MountEntry {
  const uuid = env.uuid();
  const entry: MountEntry = {
    uuid,
    table: mount.table,
    path: mount.path,
    type: mount.type,
    description: mount.description ?? "",
    accessor: `${mount.table === "auth" ? "auth_" : ""}${mount.type}_${Buffer.from(env.randomBytes(4)).toString("hex")}`,
    local: mount.local ?? false,
    seal_wrap: mount.sealWrap ?? false,
    external_entropy_access: mount.externalEntropyAccess ?? false,
    options: mount.options ?? null,
    config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false, ...mount.config },
  };
  putRow(storage, entry);
  return entry;
}

function putRow(storage: WriteStorage, entry: MountEntry): void {
  storage.put(rowKey(entry.uuid), rowCodec, entry);
  storage.put(INDEX, indexCodec, { ...mountIndex(storage), [fullPath(entry)]: entry.uuid });
}

function checkFree(storage: ReadStorage, table: Table, full: string): void {
  checkPath(full);
  if (PROTECTED.some((one) => full.startsWith(one)) || (table === "secret" && full.startsWith("auth/"))) throw invalid(`cannot mount ${JSON.stringify(full)}`);
  const clash = clashing(mountIndex(storage), full);
  if (clash !== undefined) throw invalid(`path is already in use at ${clash}`);
}

/** Mounts never nest. */
function clashing(index: MountIndex, full: string): string | undefined {
  return Object.keys(index).find((one) => one.startsWith(full) || full.startsWith(one));
}

function checkPath(full: string): void {
  if (!isSound(full)) throw invalid(`invalid mount path ${JSON.stringify(full)}`);
}

function isSound(full: string): boolean {
  const bare = full.replace(/\/$/, "");
  return bare !== "" && bare !== "auth" && full.length <= MAX_PATH && !full.split("/").slice(0, -1).some((segment) => segment === "" || segment === ".." || segment === "." || segment === "+" || segment.includes("*")) && /^[\x21-\x7e]+$/.test(full);
}

/** An unknown mount is no error. Its storage is deleted in the background, in slices (see `reap`). */
export function removeMount(storage: WriteStorage, table: Table, path: string): MountEntry | undefined {
  const entry = getMount(storage, table, path);
  if (table === "auth" && path === "token/") throw invalid("token credential backend cannot be disabled");
  if (PROTECTED.includes(fullPath({ table, path }))) throw invalid(`cannot unmount ${JSON.stringify(fullPath({ table, path }))}`);
  if (!entry) return undefined;
  const { [fullPath(entry)]: _, ...rest } = mountIndex(storage);
  storage.put(INDEX, indexCodec, rest);
  storage.delete(rowKey(entry.uuid));
  storage.put(doomedKey(entry.uuid), doomedCodec, { entry: { ...entry, tainted: true } });
  leavePath(storage, fullPath(entry), entry.uuid);
  return entry;
}

export interface MountChange {
  readonly description?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly config: Partial<MountConfig>;
}

export function tuneMount(storage: WriteStorage, table: Table, path: string, change: MountChange): MountEntry {
  const entry = getMount(storage, table, path);
  if (!entry) throw invalid(`tune of path ${JSON.stringify(fullPath({ table, path }))} failed: no mount entry found`);
  const { default_lease_ttl: low, max_lease_ttl: high } = { ...entry.config, ...change.config };
  if (high > 0 && low > high) throw invalid(`backend max lease TTL of ${high} would be less than backend default lease TTL of ${low}`);
  if (change.options?.["version"] !== undefined && entry.type === "kv" && entry.options?.["version"] === "2" && change.options["version"] === "1") throw invalid("cannot downgrade mount from version 2");
  const tuned: MountEntry = {
    ...entry,
    ...(change.description !== undefined && { description: change.description }),
    ...(change.options !== undefined && { options: { ...entry.options, ...change.options } }),
    config: { ...entry.config, ...change.config },
  };
  putRow(storage, tuned);
  return tuned;
}

/**
 * Storage, leases and tokens hang on the uuid, so moving a mount is one row, in one write set: there is no middle of it that a
 * crash could leave. Full paths. Returns the migration's id.
 */
export function moveMount(storage: WriteStorage, from: string, to: string, env: Environment): string {
  const index = mountIndex(storage);
  checkMove(from, to);
  const uuid = Object.hasOwn(index, from) ? index[from] : undefined;
  if (uuid === undefined) throw invalid(`no matching mount at ${JSON.stringify(from)}`);
  const clash = clashing(index, to);
  if (clash !== undefined) throw invalid(`path already in use at ${JSON.stringify(clash)}`);
  const entry = mountRow(storage, uuid)!;
  const { [from]: _, ...rest } = index;
  const path = entry.table === "auth" ? to.slice(AUTH.length) : to;
  storage.put(rowKey(uuid), rowCodec, { ...entry, path });
  storage.put(INDEX, indexCodec, { ...rest, [to]: uuid });
  leavePath(storage, from, uuid);
  const id = env.uuid();
  storage.put(`mounts/migration/${id}`, migrationCodec, { from, to, status: "success" });
  return id;
}

const AUTH = "auth/";
const isProtected = (path: string) => PROTECTED.some((one) => path.startsWith(one));

/** Throws RequestError 400, in Vault's words. */
function checkMove(from: string, to: string): void {
  for (const [name, path] of [["from", from], ["to", to]] as const) if (/^ | \/?$/.test(path)) throw invalid(`'${name}' path cannot contain trailing whitespace`);
  if (!isSound(to)) throw invalid(`invalid destination mount: invalid mount path ${JSON.stringify(to)}`);
  if (from.startsWith(AUTH) && !to.startsWith(AUTH)) throw invalid(`cannot remount auth mount to non-auth mount ${JSON.stringify(to)}`);
  if (isProtected(from)) throw invalid(`cannot remount ${JSON.stringify(from)}`);
  if (isProtected(to) || (!from.startsWith(AUTH) && to.startsWith(AUTH))) throw invalid(`cannot remount to destination ${JSON.stringify(to)}`);
}

export function moveStatus(storage: ReadStorage, id: string): { readonly from: string; readonly to: string; readonly status: string } | undefined {
  return storage.get(`mounts/migration/${id}`, migrationCodec);
}

const ROW_KEY = /^core\/mounts\/(?:row|doomed)\/(.+)$/;

/** The uuid of the mount that a key of the WHOLE keyspace is the row of; a removed mount has one until all that it left is gone. */
export const mountOfRow = (key: string): string | undefined => ROW_KEY.exec(key)?.[1];

/**
 * One step of deleting what removed mounts left: at most `limit` keys. A mount whose leases are not all revoked, or whose
 * failed requests are not all undone, waits, since that needs what it stored. `storage` is the WHOLE keyspace. True: more is left to do now.
 */
export async function reapMounts(storage: StoreTransaction, limit: number): Promise<boolean> {
  for (const uuid of await storage.list(DOOMED)) {
    const [lease] = await storage.keys(`core/lease/id/${uuid}/`, { limit: 1 });
    const [intent] = await storage.keys(`core/wal/${uuid}/`, { limit: 1 });
    if (lease !== undefined || intent !== undefined) continue;
    const keys = await storage.keys(`logical/${uuid}/`, { limit });
    for (const key of keys) storage.delete(`logical/${uuid}/${key}`);
    if (keys.length < limit) {
      storage.delete(DOOMED + uuid);
      forgetPaths(storage.scoped("core/"), uuid);
    }
    return true;
  }
  return false;
}

/** The mounts of the house. */
const HOUSE: readonly NewMount[] = [
  { table: "secret", path: "cubbyhole/", type: "cubbyhole", description: "per-token private secret storage", local: true },
  { table: "secret", path: "identity/", type: "identity", description: "identity store" },
  { table: "secret", path: "sys/", type: "system", description: "system endpoints used for control, policy and debugging" },
  { table: "auth", path: "token/", type: "token", description: "token based credentials", config: { token_type: "default-service" } },
];

/**
 * What a new cluster starts with; and what one that an older version made does not have yet. Returns the full paths that it made.
 * A mount of somebody's that is in the way stays.
 */
export function writeMissingMounts(storage: WriteStorage, env: Environment): readonly string[] {
  const missing = HOUSE.filter((mount) => clashing(mountIndex(storage), fullPath(mount)) === undefined);
  for (const mount of missing) writeMount(storage, mount, env);
  return missing.map(fullPath);
}

export function notMounted(path: string): RequestError {
  return new RequestError("not_found", `no handler for route ${JSON.stringify(path)}. route entry not found.`);
}
