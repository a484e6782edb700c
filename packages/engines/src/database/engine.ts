import type { Engine } from "@coffer/state-machine";
import { releaseConnections } from "./connections.js";
import { configPath, configsPath, reloadPath, resetPath } from "./path-config.js";
import { credsPath, USER, USER_INTENT } from "./path-creds.js";
import { rolePath, rolesPath } from "./path-roles.js";
import { rotateRootPath } from "./path-rotate-root.js";
import { rotateRolePath, staticCredsPath } from "./path-static-creds.js";
import { staticRolePath, staticRolesPath } from "./path-static-roles.js";
import { ROOT_PASSWORD_INTENT, rotateDueRoot } from "./root-password.js";
import { rotateDue, STATIC_PASSWORD_INTENT } from "./rotation.js";

/** Users of databases, made when they are asked for and removed with their leases; and passwords of users that stay. */
export const database: Engine = {
  type: "database",
  table: "secret",
  help: "Makes users of databases when they are asked for, removes them when their lease ends, and changes the passwords of those that stay.",
  paths: [configsPath, configPath, resetPath, reloadPath, rotateRootPath, rolesPath, rolePath, credsPath, staticRolesPath, staticRolePath, staticCredsPath, rotateRolePath],
  secrets: [USER],
  intents: [USER_INTENT, ROOT_PASSWORD_INTENT, STATIC_PASSWORD_INTENT],
  periodic: async (storage, mount) => (await rotateDueRoot(storage, mount)) || rotateDue(storage, mount),
  release: releaseConnections,
};
