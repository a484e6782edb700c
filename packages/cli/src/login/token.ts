import { Failure } from "../framework/failure.js";
import { askHidden } from "../framework/prompt.js";
import { call, type Secret } from "../framework/secret.js";
import type { LoginMethod } from "./method.js";

export const tokenLogin: LoginMethod = {
  help: "Usage: coffer login TOKEN [CONFIG K=V...]\n\n  Logs in with a token that exists already. Without an argument the token is asked\n  for; - reads it from stdin. lookup=false skips the check with the server.",
  login: async (context, client, config) => {
    const given = config["token"] ?? "";
    const token = (given === "" ? await askHidden(context.io, "Token (will be hidden): ", context.flags.bool("non-interactive")) : given).trim();
    if (token === "") throw new Failure("Error authenticating: a token must be passed to auth, please view the help for more information", 2);
    if (config["lookup"] === "false") return authOnly({ client_token: token });
    const looked = await context.attempt("Error authenticating: error looking up token", call(client.with({ token }), "GET", "auth/token/lookup-self"));
    // Under -wrap-ttl the answer is a wrapping token; what is in it is nobody's business yet.
    if (looked?.wrapInfo !== undefined) return looked;
    const data = looked?.data ?? {};
    return authOnly({
      client_token: token,
      accessor: data["accessor"],
      policies: data["policies"],
      token_policies: data["policies"],
      identity_policies: data["identity_policies"] ?? null,
      metadata: data["meta"],
      lease_duration: data["ttl"] ?? 0,
      renewable: data["renewable"] === true,
      entity_id: data["entity_id"] ?? "",
      orphan: data["orphan"] === true,
    });
  },
};

function authOnly(auth: Record<string, unknown>): Secret {
  return { requestId: "", leaseId: "", leaseDuration: 0, renewable: false, data: undefined, warnings: [], auth, wrapInfo: undefined };
}
