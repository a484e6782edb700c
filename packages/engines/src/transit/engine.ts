import type { AnyPath, Engine } from "@coffer/state-machine";
import { backupPath, restorePaths } from "./path-backup.js";
import { byokExportPaths } from "./path-byok-export.js";
import { csrPath, setCertificatePath } from "./path-certificates.js";
import { datakeyPath } from "./path-datakey.js";
import { decryptPath } from "./path-decrypt.js";
import { deriveKeyPath } from "./path-derive-key.js";
import { encryptPath } from "./path-encrypt.js";
import { exportPaths } from "./path-export.js";
import { hmacPaths } from "./path-hmac.js";
import { importPath, importVersionPath } from "./path-import.js";
import { keyConfigPath } from "./path-key-config.js";
import { rotatePath, softDeletePath, softDeleteRestorePath, trimPath } from "./path-key-life.js";
import { keyPath, keysPath } from "./path-keys.js";
import { rewrapPath } from "./path-rewrap.js";
import { cacheConfigPath, keysConfigPath } from "./path-settings.js";
import { signPaths } from "./path-sign.js";
import { hashPaths, randomPaths } from "./path-tools.js";
import { verifyPaths } from "./path-verify.js";
import { wrappingKeyPath } from "./path-wrapping-key.js";
import { rotateDue } from "./versions.js";

const ofKeys: readonly AnyPath[] = [keysPath, keyPath, keyConfigPath, rotatePath, trimPath, softDeletePath, softDeleteRestorePath, importPath, importVersionPath, csrPath, setCertificatePath];
const usingKeys: readonly AnyPath[] = [encryptPath, decryptPath, rewrapPath, datakeyPath, ...signPaths, ...verifyPaths, ...hmacPaths, deriveKeyPath];
const movingKeys: readonly AnyPath[] = [...exportPaths, ...byokExportPaths, wrappingKeyPath, backupPath, ...restorePaths];

/** Cryptography as a service. */
export const transit: Engine = {
  type: "transit",
  table: "secret",
  help: "Encrypts, decrypts, signs and verifies with named keys that do not leave, and stores nothing of what it is given.",
  paths: [...ofKeys, ...usingKeys, ...movingKeys, ...hashPaths, ...randomPaths, keysConfigPath, cacheConfigPath],
  periodic: (storage, { env }) => rotateDue(storage, env),
};
