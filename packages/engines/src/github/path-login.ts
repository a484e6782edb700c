import { definePath, denied, equivalentPolicies, field, grantFor, invalid, isWithin, loginDisplayName, renewalFor } from "@coffer/state-machine";
import type { LoginRenewal, ReadStorage } from "@coffer/state-machine";
import { memberOf } from "./api.js";
import type { Member } from "./api.js";
import { getConfig, policiesOf } from "./storage.js";
import type { GithubConfig } from "./storage.js";

/** Real ones have less than a hundred characters. */
const MAX_TOKEN_LENGTH = 1024;
const TOKEN = /^[\x21-\x7e]+$/;

export const loginPath = definePath({
  template: "login",
  help: { synopsis: "Logs in with a GitHub token.", description: "A personal access token with the scope read:org. GitHub is asked whose it is, and of which teams." },
  fields: { token: field.string({ description: "The GitHub token.", default: "", sensitive: true }) },
  operations: {
    update: {
      effect: "write",
      access: "none",
      summary: "Log in.",
      async handler({ input: { token }, remoteAddress }, storage, mount) {
        const config = getConfig(storage);
        if (!config) throw invalid("configuration has not been set");
        if (token === "") throw invalid("missing token");
        if (token.length > MAX_TOKEN_LENGTH || !TOKEN.test(token)) throw invalid("the token is not a GitHub token");
        if (!isWithin(config.tokens.parameters.token_bound_cidrs, remoteAddress)) throw denied();
        const { member, policies } = await verified(token, config, storage);
        const grant = grantFor(config.tokens, {
          displayName: loginDisplayName(mount, member.login),
          metadata: { username: member.login, org: member.organization },
          alias: { name: member.login },
          groupAliases: member.teams,
          policies,
          internalData: { token, policies },
          remoteAddress,
        });
        return { kind: "envelope", data: null, grant };
      },
    },
  },
});

interface Verified {
  readonly member: Member;
  readonly policies: readonly string[];
}

/** Throws RequestError 400. */
async function verified(token: string, { organization_id: id, base_url: baseUrl }: GithubConfig, storage: ReadStorage): Promise<Verified> {
  const member = await memberOf(token, id, baseUrl).catch((error: Error) => {
    throw invalid(error.message);
  });
  return { member, policies: [...new Set([...policiesOf(storage, "teams", member.teams), ...policiesOf(storage, "users", [member.login])])].sort() };
}

/** A token is renewed while its GitHub token is good for the same policies. Throws RequestError 400. */
export async function renew({ token, policies }: Readonly<Record<string, unknown>>, storage: ReadStorage): Promise<LoginRenewal> {
  const config = getConfig(storage);
  if (!config) throw invalid("configuration has not been set");
  const now = await verified(String(token), config, storage);
  if (!equivalentPolicies(now.policies, policies as readonly string[])) throw invalid("policies do not match");
  return renewalFor(config.tokens);
}
