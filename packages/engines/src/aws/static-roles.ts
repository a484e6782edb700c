import { invalid, jsonCodec } from "@coffer/state-machine";
import type { IntentKind, ReadStorage, WriteMount, WriteStorage } from "@coffer/state-machine";
import type { IAM } from "@aws-sdk/client-iam";
import { withIam } from "../amazon/clients.js";
import { attempt, unlessGone } from "../amazon/failure.js";
import { createKey } from "./iam-user.js";
import { iamAccess, stsAccess } from "./storage.js";
import { assumeRole } from "./sts-credentials.js";

/** How a user of another account is reached: by assuming a role there. Empty texts: it is of the engine's own account. */
export interface OtherAccount {
  readonly assume_role_arn: string;
  readonly assume_role_session_name: string;
  readonly external_id: string;
}

/** An IAM user that exists by itself, and whose access key is changed here from time to time. */
export interface StaticRole extends Partial<OtherAccount> {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  /** Seconds. */
  readonly rotation_period: number;
  readonly access_key: string;
  readonly secret_key: string;
  /** Milliseconds; of the last rotation, and of the next try. */
  readonly rotatedMs: number;
  readonly dueMs: number;
}

const codec = jsonCodec<StaticRole>();
const dueCodec = jsonCodec<null>();
export const STATIC_ROLES = "static-role/";
const DUE = "static-due/";
const STATIC_KEY_INTENT = "static-key";
/** Between two tries of a rotation that AWS refused. */
const PAUSE_MS = 60_000;
/** AWS allows a user this many. */
const MOST_KEYS = 2;

const dueName = ({ dueMs, name }: StaticRole) => `${String(dueMs).padStart(16, "0")}-${name}`;

export const getStaticRole = (storage: ReadStorage, name: string) => storage.get(STATIC_ROLES + name, codec);

export function putStaticRole(storage: WriteStorage, role: StaticRole): void {
  dropStaticRole(storage, role.name);
  storage.put(STATIC_ROLES + role.name, codec, role);
  storage.put(DUE + dueName(role), dueCodec, null);
}

export function dropStaticRole(storage: WriteStorage, name: string): void {
  const before = getStaticRole(storage, name);
  if (before) storage.delete(DUE + dueName(before));
  storage.delete(STATIC_ROLES + name);
}

/** Does work in the account of the role's user. Throws RequestError. */
async function withIamOf<T>({ assume_role_arn: roleArn = "", assume_role_session_name: sessionName = "", external_id = "" }: Partial<OtherAccount>, storage: ReadStorage, work: (iam: IAM) => Promise<T>): Promise<T> {
  const access = iamAccess(storage);
  if (roleArn === "") return withIam(access, work);
  const { accessKey, secretKey, sessionToken } = await assumeRole(stsAccess(storage), { roleArn, sessionName, role: { external_id }, policies: { document: "", arns: [] } });
  return withIam({ ...access, accessKey, secretKey, sessionToken }, work);
}

async function keysOf(iam: IAM, username: string) {
  const { AccessKeyMetadata = [] } = await attempt("unable to list access keys", iam.listAccessKeys({ UserName: username }));
  return AccessKeyMetadata.map(({ AccessKeyId = "", CreateDate }) => ({ id: AccessKeyId, createdMs: CreateDate?.getTime() ?? 0 })).sort((a, b) => a.createdMs - b.createdMs);
}

/**
 * A new key for the role's user. Where AWS has no room for it the oldest key goes first, but never the one that is handed out
 * now: that one stays valid until the next rotation, so that those who hold it have time. Throws RequestError.
 */
export async function rotate(role: StaticRole, storage: WriteStorage, mount: WriteMount): Promise<StaticRole> {
  return withIamOf(role, storage, async (iam) => {
    const UserName = role.username;
    const keys = await keysOf(iam, UserName);
    if (keys.length >= MOST_KEYS) {
      const oldest = keys.find(({ id }) => id !== role.access_key);
      if (oldest) await attempt("unable to delete an access key", unlessGone(iam.deleteAccessKey({ UserName, AccessKeyId: oldest.id })));
    }
    const before = (await keysOf(iam, UserName)).map(({ id }) => id);
    const intent = await mount.intents.begin(STATIC_KEY_INTENT, { username: UserName, name: role.name, before, account: accountOf(role) } satisfies StaticKeyIntent);
    const { accessKey, secretKey } = await createKey(iam, UserName);
    mount.intents.confirm(intent);
    const now = mount.env.now();
    return { ...role, access_key: accessKey, secret_key: secretKey, rotatedMs: now, dueMs: now + role.rotation_period * 1000 };
  });
}

const accountOf = ({ assume_role_arn = "", assume_role_session_name = "", external_id = "" }: Partial<OtherAccount>): OtherAccount => ({ assume_role_arn, assume_role_session_name, external_id });

interface StaticKeyIntent {
  readonly username: string;
  /** Of the role. */
  readonly name: string;
  /** Keys that the user had before. */
  readonly before: readonly string[];
  /** Absent in what an older version wrote. */
  readonly account?: OtherAccount;
}

/** A key that was made and never committed. */
export const staticKeyIntent: IntentKind = {
  kind: STATIC_KEY_INTENT,
  async rollback(data, storage) {
    const { username, name, before, account = {} } = data as unknown as StaticKeyIntent;
    const kept = getStaticRole(storage, name)?.access_key;
    await withIamOf(account, storage, async (iam) => {
      const { AccessKeyMetadata = [] } = (await iam.listAccessKeys({ UserName: username }).catch(() => undefined)) ?? {};
      const stray = AccessKeyMetadata.flatMap(({ AccessKeyId }) => AccessKeyId ?? []).filter((id) => id !== kept && !before.includes(id));
      for (const AccessKeyId of stray) await unlessGone(iam.deleteAccessKey({ UserName: username, AccessKeyId }));
    });
  },
};

/** Throws RequestError 400 unless there is such a user; gives AWS's id of it. */
export async function userId(storage: ReadStorage, username: string, account: OtherAccount): Promise<string> {
  const { User } = await withIamOf(account, storage, (iam) => attempt(`unable to validate username ${JSON.stringify(username)}`, iam.getUser({ UserName: username })));
  if (!User?.UserId) throw invalid(`unable to validate username ${JSON.stringify(username)}`);
  return User.UserId;
}

/** Removes the key that is handed out, before its role is forgotten. */
export async function removeStaticKey(role: StaticRole, storage: ReadStorage): Promise<void> {
  const { username, access_key } = role;
  await withIamOf(role, storage, (iam) => attempt("unable to delete the access key", unlessGone(iam.deleteAccessKey({ UserName: username, AccessKeyId: access_key }))));
}

/** One rotation that is due, if any. True: there may be more. */
export async function rotateDue(storage: WriteStorage, mount: WriteMount): Promise<boolean> {
  const [first] = await storage.list(DUE, { limit: 1 });
  if (first === undefined || Number(first.slice(0, 16)) > mount.env.now()) return false;
  const role = getStaticRole(storage, first.slice(17));
  if (!role || dueName(role) !== first) {
    storage.delete(DUE + first);
    return true;
  }
  let next: StaticRole;
  try {
    next = await rotate(role, storage, mount);
  } catch (error) {
    mount.log?.warn("the rotation of a static role failed; will be tried again", { role: role.name, reason: error instanceof Error ? error.message : String(error) });
    next = { ...role, dueMs: mount.env.now() + PAUSE_MS };
  }
  putStaticRole(storage, next);
  return true;
}
