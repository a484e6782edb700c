import type { IntentKind, WriteMount, WriteStorage } from "@coffer/state-machine";
import { failedTurn, isPastWindow, nextTurn, skippedTurn } from "../rotation/turn.js";
import { withDatabase } from "./connections.js";
import { asUser, restoreOwnPassword, withLogin } from "./own-password.js";
import { checkAllowed, newPassword } from "./role-input.js";
import { dueStaticRoles, getConfig, getStaticRole, isSelfManaged, needConfig, putStaticRole } from "./storage.js";
import type { DatabaseConfig, StaticRole } from "./storage.js";

const SLICE = 8;

/** Gives the user of a static role another password. Throws RequestError; then nothing is stored. */
export async function rotate(name: string, role: StaticRole, storage: WriteStorage, mount: WriteMount): Promise<void> {
  const { db_name, username } = role;
  const config = needConfig(storage, db_name);
  checkAllowed(config, name);
  const password = newPassword(mount, role.password_policy, config);
  const intent = await mount.intents.begin("static-password", { role: name, username, db_name, password, before: role.password } satisfies StaticPassword);
  await setPassword(role, password, config, mount);
  mount.intents.confirm(intent);
  const now = mount.env.now();
  putStaticRole(storage, name, { ...role, ...nextTurn(role, now), password, lastRotationMs: now });
}

/** By the connection's own user, or on a self-managed connection by the user itself. */
async function setPassword({ db_name, username, password: before, rotation_statements: statements }: StaticRole, password: string, config: DatabaseConfig, mount: WriteMount): Promise<void> {
  if (isSelfManaged(config)) return withLogin(asUser(config, username, before), (database) => database.setPassword({ username, password, statements }), [password]);
  await withDatabase(mount, db_name, config, (database) => database.setPassword({ username, password, statements }), [password]);
}

interface StaticPassword {
  readonly role: string;
  readonly username: string;
  readonly db_name: string;
  /** The new one, and the one that was stored, or that a new role came with. Older versions wrote neither, nor `db_name`. */
  readonly password?: string;
  readonly before?: string;
}

/** The database may have a password that was never stored: the stored one is set again. */
export const STATIC_PASSWORD_INTENT: IntentKind = {
  kind: "static-password",
  // Until then those who read it are told a password that the database no longer takes.
  minAgeSeconds: 60,
  async rollback(intent, storage, mount) {
    const { role: name, username, db_name, password: changed = "", before = "" } = intent as unknown as StaticPassword;
    const role = getStaticRole(storage, name);
    const config = getConfig(storage, role?.db_name ?? db_name);
    if (!config || (role && role.username !== username)) return;
    const stored = role?.password ?? before;
    // Of a role that never came to be, the password before may not be known.
    if (stored === "") return;
    const statements = role?.rotation_statements ?? [];
    // Written, so that a rotation that is under way conflicts and starts over.
    const touch = () => role && putStaticRole(storage, name, role);
    if (isSelfManaged(config)) return restoreOwnPassword({ config, username, stored, changed, statements }, touch);
    touch();
    await withDatabase(mount, role?.db_name ?? db_name, config, (database) => database.setPassword({ username, password: stored, statements }), [stored]);
  },
};

/** Rotates a slice of what is due, longest waiting first. True: more may be due. */
export async function rotateDue(storage: WriteStorage, mount: WriteMount): Promise<boolean> {
  const names = await dueStaticRoles(storage, mount.env.now(), SLICE);
  await Promise.all(names.map((name) => rotateOrPostpone(name, storage, mount)));
  return names.length === SLICE;
}

async function rotateOrPostpone(name: string, storage: WriteStorage, mount: WriteMount): Promise<void> {
  const role = getStaticRole(storage, name);
  if (!role) return;
  const now = mount.env.now();
  if (isPastWindow(role, now)) {
    mount.log?.warn("the rotation of a static role missed its window and waits for the next time", { role: name });
    return putStaticRole(storage, name, { ...role, ...skippedTurn(role, now) });
  }
  try {
    await rotate(name, role, storage, mount);
  } catch (error) {
    // What the database says comes without secrets (`databaseError`).
    const failed = failedTurn(role, error, now);
    mount.log?.warn("the rotation of a static role failed; will be tried again", { role: name, failures: failed.failures, reason: failed.failure });
    putStaticRole(storage, name, { ...role, ...failed });
  }
}
