import { definePath, field, identityOf } from "@coffer/state-machine";
import type { EngineRequest, InputOf, Mount, RawResponse, ReadStorage } from "@coffer/state-machine";
import { readAccessToken } from "./access-token.js";
import { noUserInfo, userInfo } from "./answers.js";
import { isAssigned } from "./assignment.js";
import { clientById } from "./client.js";
import { allows, getProvider } from "./provider.js";
import { claimsOf } from "./scope.js";

const FIELDS = { name: field.name({ description: "Name of the provider.", required: true }) };

function answer({ input, caller, ownToken }: EngineRequest<InputOf<typeof FIELDS>>, storage: ReadStorage, mount: Mount): RawResponse {
  const provider = getProvider(storage, input.name);
  if (!provider) return noUserInfo("invalid_request", "provider not found");
  if (!ownToken) return noUserInfo("invalid_token", "access token must be sent as a Bearer token");
  // It has no caller where the token is not good, or not from there.
  const access = caller && readAccessToken(storage, ownToken, input.name, mount, mount.env);
  if (!access) return noUserInfo("invalid_token", "access token is malformed, invalid or expired");
  const client = clientById(storage, access.clientId);
  if (!client) return noUserInfo("access_denied", "client not found");
  const identity = identityOf(storage, access.entityId);
  if (!identity) return noUserInfo("access_denied", "identity entity associated with the request not found");
  if (!isAssigned(storage, client.assignments, identity)) return noUserInfo("access_denied", "identity entity not authorized by client assignment");
  if (!allows(provider, client.clientId)) return noUserInfo("access_denied", "client is not authorized to use the provider");
  const made = claimsOf(storage, access.scopes.filter((one) => provider.scopes.includes(one)), identity, mount.env.now());
  if ("conflict" in made) return noUserInfo("invalid_request", made.conflict);
  return userInfo({ ...made.claims, sub: identity.entity.id });
}

const operation = { effect: "read", access: "none", summary: "Read the claims about a user.", handler: answer } as const;

/** OpenID Connect Core 1.0, 5.3. */
export const userInfoPath = definePath({
  template: "oidc/provider/{name}/userinfo",
  help: { synopsis: "Tells a client about the user who logged in to it.", description: "Whoever comes with an access token of this provider gets the claims of the scopes that it was given for, as they are now." },
  fields: FIELDS,
  operations: { read: operation, update: operation },
});
