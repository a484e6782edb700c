import type { Engine } from "@coffer/state-machine";
import { removeRetiredKey, rootKeyIntent } from "../amazon/root-key.js";
import { clientPath, identityPath, rotateRootPath, stsAccountPath, stsAccountsPath } from "./path-config.js";
import { accessListPaths } from "./path-access-list.js";
import { certificatePath, certificatesPath } from "./path-certificates.js";
import { loginPath, renewLogin } from "./path-login.js";
import { roleListPath, rolePath, rolesPath } from "./path-role.js";
import { denyListPaths, roleTagPath } from "./path-role-tags.js";
import { rotateRootWhenDue } from "./root-rotation.js";
import { tidyLists, tidyPaths } from "./path-tidy.js";
import { ownIamAccess } from "./storage.js";

export const awsAuth: Engine = {
  type: "aws",
  table: "auth",
  help: "Logs in principals of AWS: users and roles of IAM, what runs as one of them, and instances of EC2.",
  paths: [clientPath, identityPath, rotateRootPath, stsAccountsPath, stsAccountPath, rolesPath, roleListPath, rolePath, roleTagPath, certificatesPath, certificatePath, ...accessListPaths, ...denyListPaths, ...tidyPaths, loginPath],
  intents: [rootKeyIntent(ownIamAccess)],
  renewLogin,
  roleOfLogin: ({ role_name: name }) => String(name),
  async periodic(storage, mount) {
    await removeRetiredKey(ownIamAccess, storage, mount.env.now());
    if (await rotateRootWhenDue(storage, mount)) return true;
    return tidyLists(storage, mount.env);
  },
};
