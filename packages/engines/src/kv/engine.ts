import type { Engine } from "@coffer/state-machine";
import { configPath } from "./path-config.js";
import { dataPath } from "./path-data.js";
import { detailedMetadataPath, metadataPath } from "./path-metadata.js";
import { misplacedPath } from "./path-misplaced.js";
import { subkeysPath } from "./path-subkeys.js";
import { unversionedPath } from "./path-unversioned.js";
import { deletePath, destroyPath, undeletePath } from "./path-versions.js";
import { upgradeSlice } from "./upgrade.js";

/** Secrets as they are written. Mounts with the option `version` 2 are served by `kvV2` instead. */
export const kvV1: Engine = {
  type: "kv",
  table: "secret",
  help: "A store of secrets: what is written below a path is what is read from it.",
  paths: [unversionedPath],
};

/** Secrets with a history. */
export const kvV2: Engine = {
  type: "kv",
  table: "secret",
  help: "A store of secrets that keeps several versions of each. Writes can be made conditional on the version they replace, and versions can be deleted, brought back, and destroyed.",
  paths: [configPath, dataPath, subkeysPath, metadataPath, detailedMetadataPath, deletePath, undeletePath, destroyPath, misplacedPath],
  periodic: upgradeSlice,
};
