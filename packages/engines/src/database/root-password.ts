import { invalid } from "@coffer/state-machine";
import type { IntentKind, WriteMount, WriteStorage } from "@coffer/state-machine";
import { NOT_ROTATED, rotatedAt, rotateWhenDue } from "../rotation/automated.js";
import { forgetConnection, withDatabase } from "./connections.js";
import { text } from "./details.js";
import { restoreOwnPassword } from "./own-password.js";
import { newPassword } from "./role-input.js";
import { dueConfigs, getConfig, needConfig, putConfig } from "./storage.js";
import type { DatabaseConfig } from "./storage.js";

/** Throws RequestError 400 for a connection whose own user's password cannot be changed. */
export function checkOwnUser({ connection_details: details }: DatabaseConfig): void {
  for (const name of ["username", "password"]) if (text(details, name) === "") throw invalid(`unable to rotate root credentials: no ${name} in configuration`);
}

/** Gives the connection's own user another password. Throws RequestError; then nothing is stored. */
export async function rotateRoot(name: string, storage: WriteStorage, mount: WriteMount): Promise<void> {
  const config = needConfig(storage, name);
  checkOwnUser(config);
  const username = text(config.connection_details, "username");
  const password = newPassword(mount, "", config);
  const intent = await mount.intents.begin("root-password", { name, password });
  await withDatabase(mount, name, config, (database) => database.setPassword({ username, password, statements: config.root_credentials_rotate_statements }), [password]);
  mount.intents.confirm(intent);
  putConfig(storage, name, { ...withPassword(config, password), ...(config.rotation && { rotation: rotatedAt(config.rotation, mount.env.now()) }) });
  forgetConnection(mount, name);
}

/** The revision makes two who write it conflict, and every node connect anew. */
const withPassword = (config: DatabaseConfig, password: string): DatabaseConfig => ({ ...config, connection_details: { ...config.connection_details, password }, revision: config.revision + 1 });

/** The database may have the new password while we have stored the old one: until that is undone, nobody gets in. */
export const ROOT_PASSWORD_INTENT: IntentKind = {
  kind: "root-password",
  minAgeSeconds: 60,
  async rollback(intent, storage, mount) {
    const { name, password: changed } = intent as { readonly name: string; readonly password: string };
    const config = getConfig(storage, name);
    if (!config) return;
    const stored = text(config.connection_details, "password");
    await restoreOwnPassword({ config, username: text(config.connection_details, "username"), stored, changed, statements: config.root_credentials_rotate_statements }, () => {
      // Written, so that a rotation that is under way conflicts and starts over.
      putConfig(storage, name, withPassword(config, stored));
      forgetConnection(mount, name);
    });
  },
};

/**
 * The connection whose own password has waited longest for its change, if one's time has come: one at a time, so that what comes after
 * connects with what is stored. True: there was one.
 */
export async function rotateDueRoot(storage: WriteStorage, mount: WriteMount): Promise<boolean> {
  const now = mount.env.now();
  const [name] = await dueConfigs(storage, now, 1);
  const config = name === undefined ? undefined : getConfig(storage, name);
  if (name === undefined || !config) return false;
  const rotation = await rotateWhenDue(config.rotation ?? NOT_ROTATED, () => rotateRoot(name, storage, mount), now, mount.log, { connection: name });
  if (rotation) putConfig(storage, name, { ...config, rotation });
  return true;
}
