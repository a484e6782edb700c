import { invalid } from "@coffer/state-machine";
import type { WriteMount, WriteStorage } from "@coffer/state-machine";
import { rotateRootKey } from "../amazon/root-key.js";
import { rotateConfigured, rotatedAt } from "../rotation/automated.js";
import { getRoot, iamAccess, putRoot } from "./storage.js";

/** Gives the engine another access key, and tells which. Throws RequestError; then nothing is stored. */
export async function rotateRoot(storage: WriteStorage, mount: WriteMount): Promise<string> {
  const config = getRoot(storage);
  if (!config) throw invalid("no configuration found for config/root");
  const { accessKey, secretKey } = await rotateRootKey(iamAccess(storage), storage, mount);
  putRoot(storage, { ...config, access_key: accessKey, secret_key: secretKey, ...(config.rotation && { rotation: rotatedAt(config.rotation, mount.env.now()) }) });
  return accessKey;
}

/** Does the rotation that period or schedule ask for, if its time has come. True: it was tried. */
export const rotateRootWhenDue = (storage: WriteStorage, mount: WriteMount): Promise<boolean> =>
  rotateConfigured(getRoot(storage), mount, () => rotateRoot(storage, mount), (config) => putRoot(storage, config));
