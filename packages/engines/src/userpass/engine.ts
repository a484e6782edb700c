import { RequestError, equivalentPolicies, renewalFor } from "@coffer/state-machine";
import type { Engine } from "@coffer/state-machine";
import { loginPath } from "./path-login.js";
import { userPasswordPath, userPath, userPoliciesPath, usersPath } from "./path-users.js";
import { getUser } from "./storage.js";

/**
 * Logins of people whose passwords are kept here.
 * Source: https://developer.hashicorp.com/vault/api-docs/auth/userpass
 */
export const userpass: Engine = {
  type: "userpass",
  table: "auth",
  help: "Logs users in by a name and a password that are kept here.",
  paths: [usersPath, userPath, userPasswordPath, userPoliciesPath, loginPath],
  renewLogin: ({ username, policies }, storage) => {
    const user = typeof username === "string" ? getUser(storage, username) : undefined;
    if (!user) throw new RequestError("permission_denied", "the user is not there any more, not renewing");
    if (!equivalentPolicies(user.tokens.parameters.token_policies, policies as readonly string[])) throw new RequestError("invalid_request", "policies have changed, not renewing");
    return renewalFor(user.tokens);
  },
};
