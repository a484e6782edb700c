import { invalid } from "@coffer/state-machine";
import type { IntentKind, WriteMount, WriteStorage } from "@coffer/state-machine";
import { rotateConfigured, rotatedAt } from "../rotation/automated.js";
import { hasAccount } from "./config.js";
import { getConfig, putConfig } from "./storage.js";

/**
 * The rotation of the password of the account that searches. The new one is noted in an intent before the directory gets it, and stored
 * after that: a crash between the two leaves an intent, by which the directory gets the stored one back.
 */
const KIND = "bind-password";

/** Gives the account another password. Throws RequestError; then nothing is stored. */
export async function rotateRoot(storage: WriteStorage, mount: WriteMount): Promise<void> {
  const config = getConfig(storage);
  const { settings } = config;
  if (!hasAccount(settings)) throw invalid("auth is not using authenticated search, no root to rotate");
  if (!mount.password) throw new Error("the mount generates no passwords");
  const password = mount.password(settings.password_policy);
  const { changePassword } = await import("./bind-password.js");
  const intent = await mount.intents.begin(KIND, { binddn: settings.binddn, password });
  await changePassword(settings, settings.bindpass, password);
  mount.intents.confirm(intent);
  putConfig(storage, { ...config, settings: { ...settings, bindpass: password }, ...(config.rotation && { rotation: rotatedAt(config.rotation, mount.env.now()) }) });
}

/** Until it is undone nobody logs in, for the account cannot search. */
export const bindPasswordIntent: IntentKind = {
  kind: KIND,
  minAgeSeconds: 60,
  async rollback(intent, storage) {
    const { binddn, password: changed } = intent as { readonly binddn: string; readonly password: string };
    const config = getConfig(storage);
    const { settings } = config;
    // Somebody has configured another account meanwhile.
    if (settings.binddn !== binddn || !hasAccount(settings)) return;
    const { changePassword, isTaken } = await import("./bind-password.js");
    if (await isTaken(settings, settings.bindpass)) return;
    // Written, so that a rotation that is under way conflicts and starts over.
    putConfig(storage, config);
    await changePassword(settings, changed, settings.bindpass);
  },
};

/** Does the rotation that period or schedule ask for, if its time has come. True: it was tried. */
export const rotateRootWhenDue = (storage: WriteStorage, mount: WriteMount): Promise<boolean> =>
  rotateConfigured(getConfig(storage), mount, () => rotateRoot(storage, mount), (config) => putConfig(storage, config));
