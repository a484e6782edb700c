import type { Engine } from "@coffer/state-machine";
import { removeRetiredKey, rootKeyIntent } from "../amazon/root-key.js";
import { leasePath, rootPath, rotateRootPath } from "./path-config.js";
import { accessKeys, credsPath, stsPath, userIntent } from "./path-creds.js";
import { rolePath, rolesPath } from "./path-roles.js";
import { staticCredsPath, staticRolePath, staticRolesPath } from "./path-static.js";
import { rotateRootWhenDue } from "./root-rotation.js";
import { rotateDue, staticKeyIntent } from "./static-roles.js";
import { iamAccess } from "./storage.js";

export const aws: Engine = {
  type: "aws",
  table: "secret",
  help: "Hands out credentials of AWS: IAM users that live as long as their lease, and what STS gives.",
  paths: [rootPath, rotateRootPath, leasePath, rolesPath, rolePath, credsPath, stsPath, staticRolesPath, staticRolePath, staticCredsPath],
  secrets: [accessKeys],
  intents: [userIntent, staticKeyIntent, rootKeyIntent(iamAccess)],
  async periodic(storage, mount) {
    await removeRetiredKey(iamAccess, storage, mount.env.now());
    if (await rotateRootWhenDue(storage, mount)) return true;
    return rotateDue(storage, mount);
  },
};
