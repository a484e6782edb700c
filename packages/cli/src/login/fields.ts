import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";
import type { LoginMethod } from "./method.js";

/** Methods whose login is one request with the fields as they are given: approle, jwt, kubernetes, cert. */
export function fieldLogin(method: string, required: readonly string[], example: string): LoginMethod {
  return {
    help: `Usage: coffer login -method=${method} ${example}\n\n  Sends these fields to the method's login.`,
    login: async (context, client, config) => {
      const { mount, ...fields } = config;
      for (const name of required) if ((fields[name] ?? "") === "") throw new Failure(`Error authenticating: '${name}' must be specified`, 2);
      const secret = await context.attempt("Error authenticating", call(client, "PUT", `auth/${mount ?? method}/login`, { body: fields }));
      if (secret === undefined) throw new Failure("Error authenticating: empty response from credential provider", 2);
      return secret;
    },
  };
}
