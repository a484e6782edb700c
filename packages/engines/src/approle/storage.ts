import { createHmac } from "node:crypto";
import { createRecentMap, jsonCodec } from "@coffer/state-machine";
import type { Codec, Environment, ListOptions, ReadStorage, RecentMap, WriteStorage } from "@coffer/state-machine";
import type { Role } from "./role.js";

/**
 * What is stored, below the mount:
 *
 *     salt
 *     role/<name>
 *     role-id/<hmac of the role id>             name of the role
 *     secret/<role's uuid>/<hmac of the id>     a secret id
 *     accessor/<role's uuid>/<accessor>         hmac of the secret id
 *     due/<13 digits of milliseconds>/<role's uuid>/<hmac>     when a secret id ends
 *     doomed/<role's uuid>                      of a role that is gone, until its secret ids are
 */
export interface SecretId {
  readonly accessor: string;
  /** Logins left; 0 is unlimited. */
  readonly numUses: number;
  /** Seconds it was given. */
  readonly ttl: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** 0: never. */
  readonly expiresMs: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly cidrs: readonly string[];
  readonly tokenCidrs: readonly string[];
}

const storedSaltCodec = jsonCodec<{ readonly salt: string }>();
/** Decoded with what is derived from it. */
interface Salt {
  readonly key: Buffer;
  /** Of role ids, which are no secrets and come with every login. */
  readonly known: RecentMap<string>;
}
const KNOWN_HASHES = 1024;
const saltOf = (key: Buffer): Salt => ({ key, known: createRecentMap(KNOWN_HASHES) });
const saltCodec: Codec<Salt> = {
  encode: ({ key }) => storedSaltCodec.encode({ salt: key.toString("base64") }),
  decode: (bytes) => saltOf(Buffer.from(storedSaltCodec.decode(bytes).salt, "base64")),
};
const roleCodec = jsonCodec<Role>();
const nameCodec = jsonCodec<{ readonly name: string }>();
const secretCodec = jsonCodec<SecretId>();
const hashCodec = jsonCodec<{ readonly hash: string }>();
const emptyCodec = jsonCodec<Record<string, never>>();

const SALT = "salt";
const DIGITS = 13;
const roleKey = (name: string) => `role/${name.toLowerCase()}`;
const secretKey = (uuid: string, hash: string) => `secret/${uuid}/${hash}`;
const accessorKey = (uuid: string, accessor: string) => `accessor/${uuid}/${accessor}`;
const dueKey = (ms: number, uuid: string, hash: string) => `due/${String(ms).padStart(DIGITS, "0")}/${uuid}/${hash}`;

/** Undefined before there is any role. */
function saltedHash(storage: ReadStorage, text: string): string | undefined {
  const salt = storage.get(SALT, saltCodec);
  return salt && hashUnder(salt, text);
}

const hashUnder = ({ key }: Salt, text: string) => createHmac("sha256", key).update(text).digest("hex");

export function getRole(storage: ReadStorage, name: string): Role | undefined {
  return storage.get(roleKey(name), roleCodec);
}

export function listRoles(storage: ReadStorage, page: ListOptions): Promise<string[]> {
  return storage.list("role/", page);
}

function nameOf(storage: ReadStorage, roleId: string): string | undefined {
  const salt = storage.get(SALT, saltCodec);
  if (!salt) return undefined;
  const known = salt.known.get(roleId);
  const hash = known ?? hashUnder(salt, roleId);
  const name = storage.get(`role-id/${hash}`, nameCodec)?.name;
  if (name !== undefined && known === undefined) salt.known.set(roleId, hash);
  return name;
}

export function roleOf(storage: ReadStorage, roleId: string): Role | undefined {
  const name = nameOf(storage, roleId);
  return name === undefined ? undefined : getRole(storage, name);
}

/** False: another role has its role id. */
export function putRole(storage: WriteStorage, role: Role, env: Environment): boolean {
  if (!storage.get(SALT, saltCodec)) storage.put(SALT, saltCodec, saltOf(Buffer.from(env.randomBytes(32))));
  const owner = nameOf(storage, role.settings.role_id);
  if (owner !== undefined && owner !== role.name) return false;
  const before = getRole(storage, role.name);
  if (before) storage.delete(`role-id/${saltedHash(storage, before.settings.role_id)}`);
  storage.put(`role-id/${saltedHash(storage, role.settings.role_id)}`, nameCodec, { name: role.name });
  storage.put(roleKey(role.name), roleCodec, role);
  return true;
}

/** Its secret ids can be used no more, and are deleted later, in slices. */
export function removeRole(storage: WriteStorage, { name, uuid, settings }: Role): void {
  storage.delete(roleKey(name));
  storage.delete(`role-id/${saltedHash(storage, settings.role_id)}`);
  storage.put(`doomed/${uuid}`, emptyCodec, {});
}

export interface FoundSecretId {
  readonly hash: string;
  readonly secret: SecretId;
}

function live(storage: ReadStorage, uuid: string, hash: string | undefined, nowMs: number): FoundSecretId | undefined {
  const secret = hash === undefined ? undefined : storage.get(secretKey(uuid, hash), secretCodec);
  return hash !== undefined && secret && (secret.expiresMs === 0 || nowMs < secret.expiresMs) ? { hash, secret } : undefined;
}

export function findSecretId(storage: ReadStorage, { uuid }: Role, secretId: string, nowMs: number): FoundSecretId | undefined {
  return live(storage, uuid, saltedHash(storage, secretId), nowMs);
}

export function findByAccessor(storage: ReadStorage, { uuid }: Role, accessor: string, nowMs: number): FoundSecretId | undefined {
  return live(storage, uuid, storage.get(accessorKey(uuid, accessor), hashCodec)?.hash, nowMs);
}

export function listAccessors(storage: ReadStorage, { uuid }: Role, page: ListOptions): Promise<string[]> {
  return storage.list(`accessor/${uuid}/`, page);
}

/** False: this role has such a secret id already. */
export function addSecretId(storage: WriteStorage, { uuid }: Role, secretId: string, secret: SecretId): boolean {
  const hash = saltedHash(storage, secretId)!;
  const before = storage.get(secretKey(uuid, hash), secretCodec);
  if (before && (before.expiresMs === 0 || secret.createdMs < before.expiresMs)) return false;
  if (before) removeSecretId(storage, uuid, { hash, secret: before });
  storage.put(secretKey(uuid, hash), secretCodec, secret);
  storage.put(accessorKey(uuid, secret.accessor), hashCodec, { hash });
  if (secret.expiresMs !== 0) storage.put(dueKey(secret.expiresMs, uuid, hash), emptyCodec, {});
  return true;
}

export function removeSecretId(storage: WriteStorage, uuid: string, { hash, secret }: FoundSecretId): void {
  storage.delete(secretKey(uuid, hash));
  storage.delete(accessorKey(uuid, secret.accessor));
  if (secret.expiresMs !== 0) storage.delete(dueKey(secret.expiresMs, uuid, hash));
}

/** One login by it; the last one takes it away. */
export function useSecretId(storage: WriteStorage, { uuid }: Role, found: FoundSecretId, nowMs: number): void {
  const { hash, secret } = found;
  if (secret.numUses === 0) return;
  if (secret.numUses === 1) removeSecretId(storage, uuid, found);
  else storage.put(secretKey(uuid, hash), secretCodec, { ...secret, numUses: secret.numUses - 1, updatedMs: nowMs });
}

/** Deletes a slice of what has ended. True: more is left. */
export async function tidySecretIds(storage: WriteStorage, nowMs: number, slice: number): Promise<boolean> {
  let left = slice;
  for (const key of await storage.keys("due/", { limit: slice })) {
    const [due, uuid, hash] = key.split("/") as [string, string, string];
    if (Number(due) > nowMs) break;
    const secret = storage.get(secretKey(uuid, hash), secretCodec);
    if (secret) removeSecretId(storage, uuid, { hash, secret });
    storage.delete(`due/${key}`);
    left--;
  }
  for (const uuid of await storage.list("doomed/", { limit: Math.max(1, left) })) {
    if (left <= 0) return true;
    left -= await removeSecretIdsOf(storage, uuid, left);
  }
  return left <= 0;
}

async function removeSecretIdsOf(storage: WriteStorage, uuid: string, limit: number): Promise<number> {
  const hashes = await storage.list(`secret/${uuid}/`, { limit });
  for (const hash of hashes) removeSecretId(storage, uuid, { hash, secret: storage.get(secretKey(uuid, hash), secretCodec)! });
  if (hashes.length < limit) storage.delete(`doomed/${uuid}`);
  return hashes.length;
}
