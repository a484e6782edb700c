import { Failure } from "../framework/failure.js";
import { askHidden } from "../framework/prompt.js";
import { call } from "../framework/secret.js";
import type { LoginMethod } from "./method.js";

const VARIABLE = "VAULT_AUTH_GITHUB_TOKEN";

export const githubLogin: LoginMethod = {
  help: `Usage: coffer login -method=github [token=TOKEN]\n\n  Logs in with a GitHub personal access token, of which the scope read:org is needed.\n  One that is not given is taken from ${VARIABLE}, or asked for and not\n  shown.`,
  login: async (context, client, config) => {
    const given = config["token"] || context.io.env[VARIABLE] || "";
    if (given === "" && context.flags.bool("non-interactive")) throw new Failure("Error authenticating: 'token' not supplied and refusing to pull from stdin", 2);
    const token = given === "" ? (await askHidden(context.io, "GitHub Personal Access Token (will be hidden): ", false)).trim() : given;
    const secret = await context.attempt("Error authenticating", call(client, "PUT", `auth/${config["mount"] ?? "github"}/login`, { body: { token } }));
    if (secret === undefined) throw new Failure("Error authenticating: empty response from credential provider", 2);
    return secret;
  },
};
