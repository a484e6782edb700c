import type { Engine } from "@coffer/state-machine";
import { removeRetiredKey, rootKeyIntent } from "../amazon/root-key.js";
import { clientPath, identityPath, rotateRootPath, stsAccountPath, stsAccountsPath } from "./path-config.js";
import { loginPath, renewLogin } from "./path-login.js";
import { roleListPath, rolePath, rolesPath } from "./path-role.js";
import { ownIamAccess } from "./storage.js";

export const awsAuth: Engine = {
  type: "aws",
  table: "auth",
  help: "Logs in principals of AWS: users and roles of IAM, and what runs as one of them.",
  paths: [clientPath, identityPath, rotateRootPath, stsAccountsPath, stsAccountPath, rolesPath, roleListPath, rolePath, loginPath],
  intents: [rootKeyIntent(ownIamAccess)],
  renewLogin,
  async periodic(storage, mount) {
    await removeRetiredKey(ownIamAccess, storage, mount.env.now());
    return false;
  },
};
