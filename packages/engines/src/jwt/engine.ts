import type { Engine } from "@coffer/state-machine";
import { renew } from "./login.js";
import { authUrlPath } from "./path-auth-url.js";
import { forgetExpired } from "./flow.js";
import { callbackPath } from "./path-callback.js";
import { configPath } from "./path-config.js";
import { loginPath } from "./path-login.js";
import { pollPath } from "./path-poll.js";
import { rolePath, rolesPath } from "./path-roles.js";

/** Logins with JSON Web Tokens (RFC 7519), and by browser with OpenID Connect. */
export const jwt: Engine = {
  type: "jwt",
  table: "auth",
  help: "Lets in the bearers of JSON Web Tokens, and users of OpenID Connect providers.",
  paths: [configPath, rolesPath, rolePath, loginPath, authUrlPath, callbackPath, pollPath],
  renewLogin: renew,
  roleOfLogin: ({ role }) => String(role),
  periodic: (storage, { env }) => forgetExpired(storage, env),
};

/** The same, under the name that those who log in by browser look for. */
export const oidc: Engine = { ...jwt, type: "oidc" };
