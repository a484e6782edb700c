import { invalid } from "@coffer/state-machine";
import type { WriteMount, WriteStorage } from "@coffer/state-machine";
import { rotateRootKey } from "../amazon/root-key.js";
import { rotateConfigured, rotatedAt } from "../rotation/automated.js";
import { getClient, ownIamAccess, putClient } from "./storage.js";

/** Gives the method another access key, and tells which. Throws RequestError; then nothing is stored. */
export async function rotateRoot(storage: WriteStorage, mount: WriteMount): Promise<string> {
  const config = getClient(storage);
  if (!config) throw invalid("no configuration found for config/client");
  const { accessKey, secretKey } = await rotateRootKey(ownIamAccess(storage), storage, mount);
  putClient(storage, { ...config, access_key: accessKey, secret_key: secretKey, ...(config.rotation && { rotation: rotatedAt(config.rotation, mount.env.now()) }) });
  return accessKey;
}

/** Does the rotation that period or schedule ask for, if its time has come. True: it was tried. */
export const rotateRootWhenDue = (storage: WriteStorage, mount: WriteMount): Promise<boolean> =>
  rotateConfigured(getClient(storage), mount, () => rotateRoot(storage, mount), (config) => putClient(storage, config));
