import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { recordOf } from "../framework/json.js";
import { mountPath } from "../framework/paths.js";
import { call } from "../framework/secret.js";
import { LOGIN_METHODS } from "../login/methods.js";

export const command: Command = {
  usage: "auth help [options] TYPE | PATH",
  description: "Prints how to log in by an auth method, named by its type or its path.\n\n    $ coffer auth help userpass",
  args: { min: 1, max: 1 },
  run: async (context) => {
    const name = (context.args[0] ?? "").trim();
    if (Object.hasOwn(LOGIN_METHODS, name)) return context.print(LOGIN_METHODS[name]?.help ?? "");
    const path = mountPath(name);
    const mounts = await context.attempt("Error listing auth methods", call(await context.client(), "GET", "sys/auth"));
    const mount = recordOf(mounts?.data?.[path]);
    if (mount === undefined) throw new Failure(`No auth method available on the server at "${path}"`);
    const type = String(mount["type"]);
    if (!Object.hasOwn(LOGIN_METHODS, type)) throw new Failure(`No method-specific CLI handler available for auth method "${name}"`, 2);
    context.print(LOGIN_METHODS[type]?.help ?? "");
  },
};
