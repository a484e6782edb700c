import { equivalentPolicies, invalid, renewalFor } from "@coffer/state-machine";
import type { Engine } from "@coffer/state-machine";
import { heldPolicies, logIn } from "./login.js";
import { configPath, rotateRootPath } from "./path-config.js";
import { loginPath } from "./path-login.js";
import { groupPath, groupsPath, userPath, usersPath } from "./path-names.js";
import { bindPasswordIntent, rotateRootWhenDue } from "./root-rotation.js";
import { getConfig } from "./storage.js";

/**
 * Logins of people whom an LDAP directory knows.
 * Source: https://developer.hashicorp.com/vault/api-docs/auth/ldap
 */
export const ldap: Engine = {
  type: "ldap",
  table: "auth",
  help: "Logs users of an LDAP directory in, with policies by their groups.",
  paths: [configPath, rotateRootPath, usersPath, userPath, groupsPath, groupPath, loginPath],
  intents: [bindPasswordIntent],
  periodic: rotateRootWhenDue,
  renewLogin: async ({ username, password, policies }, storage) => {
    if (typeof username !== "string" || typeof password !== "string") throw invalid("the login of this token is not known");
    const now = await logIn(storage, username, password);
    const { tokens } = getConfig(storage);
    if (!equivalentPolicies(heldPolicies(tokens, now), policies as readonly string[])) throw invalid("policies have changed, not renewing");
    return { ...renewalFor(tokens), groupAliases: now.groups };
  },
};
