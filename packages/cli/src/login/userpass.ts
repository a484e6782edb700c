import { Failure } from "../framework/failure.js";
import { askHidden } from "../framework/prompt.js";
import { call } from "../framework/secret.js";
import type { LoginMethod } from "./method.js";

/** userpass, and those that ask for the same two things: ldap, radius, okta. */
export function passwordLogin(method: string): LoginMethod {
  return {
    help: `Usage: coffer login -method=${method} username=NAME [password=PASSWORD]\n\n  Logs in with a user name and a password. A password that is not given is asked\n  for and not shown.`,
    login: async (context, client, config) => {
      const username = config["username"] ?? "";
      if (username === "") throw new Failure("Error authenticating: 'username' must be specified", 2);
      const given = config["password"] ?? "";
      if (given === "" && context.flags.bool("non-interactive")) {
        throw new Failure("Error authenticating: 'password' must be specified and refusing to pull from stdin", 2);
      }
      const password = given === "" ? await askHidden(context.io, "Password (will be hidden): ", false) : given;
      const path = `auth/${config["mount"] ?? method}/login/${username}`;
      const secret = await context.attempt("Error authenticating", call(client, "PUT", path, { body: { password } }));
      if (secret === undefined) throw new Failure("Error authenticating: empty response from credential provider", 2);
      return secret;
    },
  };
}
