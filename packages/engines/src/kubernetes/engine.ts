import { invalid } from "@coffer/state-machine";
import type { Engine } from "@coffer/state-machine";
import { configPath } from "./path-config.js";
import { loginPath } from "./path-login.js";
import { rolePath, rolesPath } from "./path-roles.js";
import { getRole } from "./storage.js";

/** Logins of Kubernetes service accounts. */
export const kubernetes: Engine = {
  type: "kubernetes",
  table: "auth",
  help: "Lets in Kubernetes service accounts, after asking their cluster.",
  paths: [configPath, rolesPath, rolePath, loginPath],
  roleOfLogin: ({ role }) => String(role),
  renewLogin(internalData, storage) {
    const name = String(internalData["role"]);
    const parameters = getRole(storage, name)?.tokens.parameters;
    if (!parameters) throw invalid(`role ${name} does not exist during renewal`);
    return { ttlSeconds: parameters.token_ttl, maxTtlSeconds: parameters.token_max_ttl, periodSeconds: parameters.token_period };
  },
};
