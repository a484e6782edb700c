import type { IntentKind, WriteMount, WriteStorage } from "@coffer/state-machine";
import { withDatabase } from "./connections.js";
import { checkAllowed, newPassword } from "./role-input.js";
import { nextRotation } from "./schedule.js";
import { dueStaticRoles, getConfig, getStaticRole, needConfig, putStaticRole } from "./storage.js";
import type { StaticRole } from "./storage.js";

const MS = 1000;
const SLICE = 8;
const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 600_000;

/** Gives the user of a static role another password. Throws RequestError; then nothing is stored. */
export async function rotate(name: string, role: StaticRole, storage: WriteStorage, mount: WriteMount): Promise<void> {
  const { db_name, username, rotation_statements: statements } = role;
  const config = needConfig(storage, db_name);
  checkAllowed(config, name);
  const password = newPassword(mount, role.password_policy, config);
  const intent = await mount.intents.begin("static-password", { role: name, username });
  await withDatabase(mount, db_name, config, (database) => database.setPassword({ username, password, statements }), [password]);
  mount.intents.confirm(intent);
  const now = mount.env.now();
  const dueMs = nextRotation(role, now);
  putStaticRole(storage, name, { ...role, password, lastRotationMs: now, scheduledMs: dueMs, dueMs, failures: 0, failure: "" });
}

/** The database may have a password that was never stored: the stored one is set again. */
export const STATIC_PASSWORD_INTENT: IntentKind = {
  kind: "static-password",
  async rollback(intent, storage, mount) {
    const { role: name, username } = intent as { readonly role: string; readonly username: string };
    const role = getStaticRole(storage, name);
    const config = role && getConfig(storage, role.db_name);
    // Of a role that never came to be, the password before is not known.
    if (!role || !config || role.username !== username) return;
    // Written, so that a rotation that is under way conflicts and starts over.
    putStaticRole(storage, name, role);
    await withDatabase(mount, role.db_name, config, (database) => database.setPassword({ username, password: role.password, statements: role.rotation_statements }), [role.password]);
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
    return skip(name, role, storage, now);
  }
  try {
    await rotate(name, role, storage, mount);
  } catch (error) {
    const retryMs = now + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(role.failures, 10));
    const failed = { ...role, failures: role.failures + 1, failure: error instanceof Error ? error.message : String(error) };
    // What the database says comes without secrets (`databaseError`).
    mount.log?.warn("the rotation of a static role failed; will be tried again", { role: name, failures: failed.failures, reason: failed.failure });
    if (isPastWindow(role, retryMs)) skip(name, failed, storage, now);
    else putStaticRole(storage, name, { ...failed, dueMs: retryMs });
  }
}

const isPastWindow = ({ rotation_window, scheduledMs }: StaticRole, atMs: number) => rotation_window > 0 && atMs > scheduledMs + rotation_window * MS;

/** Until the schedule's next time. */
function skip(name: string, role: StaticRole, storage: WriteStorage, nowMs: number): void {
  const dueMs = nextRotation(role, nowMs);
  putStaticRole(storage, name, { ...role, dueMs, scheduledMs: dueMs });
}
