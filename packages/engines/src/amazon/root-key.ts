import { invalid, jsonCodec } from "@coffer/state-machine";
import type { IntentKind, WriteMount, WriteStorage } from "@coffer/state-machine";
import type { IAM } from "@aws-sdk/client-iam";
import { withIam } from "./clients.js";
import type { AwsAccess } from "./clients.js";
import { attempt, unlessGone } from "./failure.js";

/**
 * The rotation of the access key that an engine itself uses. A new key is made under an intent, and committed with the
 * engine's configuration; only after that is the old one removed, by the engine's periodic work. So there is no moment at
 * which AWS knows a key and the engine does not, nor the other way round.
 */
interface RetiredKey {
  readonly username: string;
  readonly accessKey: string;
  /** Milliseconds; of the next try. */
  readonly dueMs: number;
}

/** Between two tries to remove an old key. */
const PAUSE_MS = 10_000;
const RETIRED = "retired-root-key";
const retiredCodec = jsonCodec<RetiredKey>();
export const ROOT_KEY_INTENT = "root-key";

interface RootKeyIntent {
  readonly username: string;
  /** Keys that the user had before. */
  readonly before: readonly string[];
}

export interface NewKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

async function keysOf(iam: IAM, username: string): Promise<string[]> {
  const { AccessKeyMetadata = [] } = await iam.listAccessKeys({ UserName: username });
  return AccessKeyMetadata.flatMap(({ AccessKeyId }) => AccessKeyId ?? []);
}

/** Makes a new key for the user of this one. The caller puts it into its configuration in the same request. Throws RequestError. */
export async function rotateRootKey(access: AwsAccess, storage: WriteStorage, mount: WriteMount): Promise<NewKey> {
  if (access.accessKey === "" || access.secretKey === "") throw invalid("Cannot call config/rotate-root when either access_key or secret_key is empty");
  return withIam(access, async (iam) => {
    const { User } = await attempt("error calling GetUser", iam.getUser({}));
    if (!User?.UserName) throw invalid("nil user returned from GetUser");
    const username = User.UserName;
    const before = await attempt("error calling ListAccessKeys", keysOf(iam, username));
    const intent = await mount.intents.begin(ROOT_KEY_INTENT, { username, before } satisfies RootKeyIntent);
    const { AccessKey } = await attempt("error calling CreateAccessKey", iam.createAccessKey({ UserName: username }));
    if (!AccessKey?.AccessKeyId || !AccessKey.SecretAccessKey) throw invalid("nil response from CreateAccessKey");
    storage.put(RETIRED, retiredCodec, { username, accessKey: access.accessKey, dueMs: 0 });
    mount.intents.confirm(intent);
    return { accessKey: AccessKey.AccessKeyId, secretKey: AccessKey.SecretAccessKey };
  });
}

/** Removes a key whose successor was never committed. `accessOf` gives what the configuration says now. */
export function rootKeyIntent(accessOf: (storage: WriteStorage) => AwsAccess): IntentKind {
  return {
    kind: ROOT_KEY_INTENT,
    async rollback(data, storage) {
      const { username, before } = data as unknown as RootKeyIntent;
      const access = accessOf(storage);
      await withIam(access, async (iam) => {
        const stray = (await keysOf(iam, username)).filter((key) => key !== access.accessKey && !before.includes(key));
        for (const key of stray) await unlessGone(iam.deleteAccessKey({ UserName: username, AccessKeyId: key }));
      });
    },
  };
}

/** The old key goes, with the new one's rights; where AWS does not take the new one yet, at a later try. */
export async function removeRetiredKey(accessOf: (storage: WriteStorage) => AwsAccess, storage: WriteStorage, nowMs: number): Promise<void> {
  const retired = storage.get(RETIRED, retiredCodec);
  if (!retired || retired.dueMs > nowMs) return;
  const access = accessOf(storage);
  try {
    if (access.accessKey !== retired.accessKey) await withIam(access, (iam) => unlessGone(iam.deleteAccessKey({ UserName: retired.username, AccessKeyId: retired.accessKey })));
    storage.delete(RETIRED);
  } catch {
    storage.put(RETIRED, retiredCodec, { ...retired, dueMs: nowMs + PAUSE_MS });
  }
}
