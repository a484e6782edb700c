import { invalid, renewalFor } from "@coffer/state-machine";
import type { Engine } from "@coffer/state-machine";
import { loginPath } from "./path-login.js";
import { roleFieldPaths } from "./path-role-field.js";
import { rolePath, rolesPath } from "./path-role.js";
import { accessorDestroyPath, accessorLookupPath, customSecretIdPath, destroyPath, lookupPath, secretIdsPath } from "./path-secret-id.js";
import { tidyPath, tidySlice } from "./path-tidy.js";
import { getRole } from "./storage.js";

/**
 * Logins of machines.
 * Source: https://developer.hashicorp.com/vault/api-docs/auth/approle
 */
export const approle: Engine = {
  type: "approle",
  table: "auth",
  help: "Logs machines in by a role id and a secret id.",
  paths: [rolesPath, rolePath, ...roleFieldPaths, secretIdsPath, customSecretIdPath, lookupPath, destroyPath, accessorLookupPath, accessorDestroyPath, loginPath, tidyPath],
  periodic: tidySlice,
  roleOfLogin: ({ role_name: name }) => String(name),
  renewLogin: ({ role_name: name }, storage) => {
    const role = typeof name === "string" ? getRole(storage, name) : undefined;
    if (!role) throw invalid(`role ${JSON.stringify(name)} does not exist during renewal`);
    return renewalFor(role.tokens);
  },
};
