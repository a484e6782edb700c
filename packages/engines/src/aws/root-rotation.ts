import { invalid } from "@coffer/state-machine";
import type { WriteMount, WriteStorage } from "@coffer/state-machine";
import { rotateRootKey } from "../amazon/root-key.js";
import { NOT_ROTATED, rotatedAt, rotateWhenDue } from "../rotation/automated.js";
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
export async function rotateRootWhenDue(storage: WriteStorage, mount: WriteMount): Promise<boolean> {
  const now = mount.env.now();
  const config = getRoot(storage);
  const { rotation = NOT_ROTATED } = config ?? {};
  if (!config || !rotation.turn || rotation.turn.dueMs > now) return false;
  const instead = await rotateWhenDue(rotation, async () => void (await rotateRoot(storage, mount)), now, mount.log);
  if (instead) putRoot(storage, { ...config, rotation: instead });
  return true;
}
