import { invalid } from "@coffer/state-machine";
import type { ReadStorage, WriteMount, WriteStorage } from "@coffer/state-machine";
import { rotateConfigured, rotatedAt } from "../rotation/automated.js";
import type { AutomatedRotation } from "../rotation/automated.js";
import type { AwsAccess } from "./clients.js";
import { rotateRootKey } from "./root-key.js";

/** Where an engine keeps its own access key. */
export interface RootStore<C> {
  /** Of the API. */
  readonly path: string;
  readonly get: (storage: ReadStorage) => C | undefined;
  readonly put: (storage: WriteStorage, config: C) => void;
  /** Of IAM, by that key. */
  readonly access: (storage: ReadStorage) => AwsAccess;
}

interface Keyed {
  readonly access_key: string;
  readonly secret_key: string;
  /** Absent: written before there was any. */
  readonly rotation?: AutomatedRotation;
}

export interface RootRotation {
  /** Gives the engine another access key, and tells which. Throws RequestError; then nothing is stored. */
  rotateRoot(storage: WriteStorage, mount: WriteMount): Promise<string>;
  /** Does the rotation that period or schedule ask for, if its time has come. True: it was tried. */
  rotateRootWhenDue(storage: WriteStorage, mount: WriteMount): Promise<boolean>;
}

export function rootRotation<C extends Keyed>({ path, get, put, access }: RootStore<C>): RootRotation {
  async function rotateRoot(storage: WriteStorage, mount: WriteMount): Promise<string> {
    const config = get(storage);
    if (!config) throw invalid(`no configuration found for ${path}`);
    const { accessKey, secretKey } = await rotateRootKey(access(storage), storage, mount);
    put(storage, { ...config, access_key: accessKey, secret_key: secretKey, ...(config.rotation && { rotation: rotatedAt(config.rotation, mount.env.now()) }) });
    return accessKey;
  }
  return {
    rotateRoot,
    rotateRootWhenDue: (storage, mount) => rotateConfigured(get(storage), mount, () => rotateRoot(storage, mount), (config) => put(storage, config)),
  };
}
