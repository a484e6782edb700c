import { field, invalid, olderTokenFields, roleTokens, tokenFields } from "@coffer/state-machine";
import type { InputOf, Mount } from "@coffer/state-machine";
import { valuesOf } from "./claims.js";
import { checkPolicyTemplates } from "./policy-templates.js";
import type { JwtRole } from "./storage.js";

/** What a role is written with. Those that are absent stay as they are. */
export const roleFields = {
  role_type: field.string({ description: "How logins come: jwt, with a token at hand, or oidc, by browser, which is the default.", default: "oidc" }),
  user_claim: field.string({ description: "Claim that names the user. Required." }),
  user_claim_json_pointer: field.bool({ description: "Whether user_claim is a JSON pointer where it begins with a slash." }),
  groups_claim: field.string({ description: "Claim that lists the user's groups; a JSON pointer where it begins with a slash." }),
  bound_audiences: field.commaList({ description: "Audiences, of which the `aud` claim must name one." }),
  bound_subject: field.string({ description: "What the `sub` claim must be." }),
  bound_claims_type: field.string({ description: "How bound_claims are compared: string, or glob, where * stands for any text.", default: "string" }),
  bound_claims: field.map({ description: "Claims that must be there, each with its value or a list of values that may be." }),
  claim_mappings: field.pairs({ description: "Claims that become metadata of the token, each with the name it gets there." }),
  oauth2_metadata: field.commaList({ description: "Tokens of the provider that become metadata of the token, which whoever may look it up then sees: id_token, access_token, refresh_token." }),
  oidc_scopes: field.commaList({ description: "Scopes to ask the provider for, beside openid." }),
  allowed_redirect_uris: field.commaList({ description: "Where the provider may send browsers back to. Required of oidc roles." }),
  expiration_leeway: field.signedDuration({ description: "How long a token without `exp` is valid. 0 means 150 seconds, -1 none." }),
  not_before_leeway: field.signedDuration({ description: "How long before its `exp` a token without `nbf` and `iat` begins. 0 means 150 seconds, -1 none." }),
  clock_skew_leeway: field.signedDuration({ description: "How far clocks may differ. 0 means 60 seconds, -1 nothing." }),
  max_age: field.duration({ description: "How long ago the user may have logged in at the provider, at most; 0 means any time." }),
  verbose_oidc_logging: field.bool({ description: "Kept for clients that set it: nothing of a token is logged here." }),
  callback_mode: field.string({ description: "How a login by browser ends: `client`, where the provider sends the browser to the client; `direct`, to the server; or `device`, by a code that the user enters at the provider (RFC 8628)." }),
  poll_interval: field.int({ description: "Seconds between two questions of a client by oidc/poll. 0 means what the provider says, or 5." }),
  oidc_disable_confirmation: field.bool({ description: "Mode `direct`: does not ask the user, before the login ends, whether it is theirs. Whoever sends somebody a link could then log in as them." }),
  token_policies_template_claims: field.bool({ description: "Whether token_policies are templates, as {{.project}}, of the claims. All that they name must be there; what is empty then is left out." }),
  ...tokenFields,
  ...olderTokenFields,
};

const RESERVED_METADATA = "role";
const OAUTH2_TOKENS: readonly string[] = ["id_token", "access_token", "refresh_token"];

/** The role as it is after a write. Throws RequestError 400. */
export function roleFrom(input: InputOf<typeof roleFields>, before: JwtRole | undefined, { maxLeaseTtlSeconds }: Mount): JwtRole {
  const type = input.role_type === "" ? "oidc" : input.role_type;
  if (type !== "jwt" && type !== "oidc") throw invalid(`invalid 'role_type': ${type}`);
  const claimsType = input.bound_claims_type;
  if (claimsType !== "string" && claimsType !== "glob") throw invalid(`invalid 'bound_claims_type': ${claimsType}`);
  const tokens = roleTokens(input, before?.tokens);
  if (tokens.parameters.token_period > maxLeaseTtlSeconds) throw invalid(`'period' of '${tokens.parameters.token_period}s' is greater than the backend's maximum lease TTL of '${maxLeaseTtlSeconds}s'`);
  const role: JwtRole = {
    role_type: type,
    user_claim: input.user_claim ?? before?.user_claim ?? "",
    user_claim_json_pointer: input.user_claim_json_pointer ?? before?.user_claim_json_pointer ?? false,
    groups_claim: input.groups_claim ?? before?.groups_claim ?? "",
    bound_audiences: input.bound_audiences ?? before?.bound_audiences ?? null,
    bound_subject: input.bound_subject ?? before?.bound_subject ?? "",
    bound_claims_type: claimsType,
    bound_claims: input.bound_claims ?? before?.bound_claims ?? null,
    claim_mappings: input.claim_mappings ?? before?.claim_mappings ?? null,
    oauth2_metadata: input.oauth2_metadata ?? before?.oauth2_metadata ?? null,
    oidc_scopes: input.oidc_scopes ?? before?.oidc_scopes ?? null,
    allowed_redirect_uris: input.allowed_redirect_uris ?? before?.allowed_redirect_uris ?? null,
    expiration_leeway: input.expiration_leeway ?? before?.expiration_leeway ?? 0,
    not_before_leeway: input.not_before_leeway ?? before?.not_before_leeway ?? 0,
    clock_skew_leeway: input.clock_skew_leeway ?? before?.clock_skew_leeway ?? 0,
    max_age: input.max_age ?? before?.max_age ?? 0,
    verbose_oidc_logging: input.verbose_oidc_logging ?? before?.verbose_oidc_logging ?? false,
    callback_mode: (input.callback_mode || before?.callback_mode || "client") as JwtRole["callback_mode"],
    poll_interval: input.poll_interval ?? before?.poll_interval ?? 0,
    oidc_disable_confirmation: input.oidc_disable_confirmation ?? before?.oidc_disable_confirmation ?? false,
    token_policies_template_claims: input.token_policies_template_claims ?? before?.token_policies_template_claims ?? false,
    tokens,
  };
  check(role);
  return role;
}

function check(role: JwtRole): void {
  checkPolicyTemplates(role);
  if (role.bound_claims_type === "glob") checkGlobs(role.bound_claims ?? {});
  checkMappings(role.claim_mappings ?? {});
  const unknown = (role.oauth2_metadata ?? []).find((name) => !OAUTH2_TOKENS.includes(name));
  if (unknown !== undefined) throw invalid(`Unrecognized oauth2 metadata name ${unknown}`);
  if (role.user_claim === "") throw invalid("a user claim must be defined on the role");
  if (!["client", "direct", "device"].includes(role.callback_mode)) throw invalid(`invalid 'callback_mode': ${role.callback_mode}`);
  if (role.poll_interval < 0) throw invalid("'poll_interval' must not be negative");
  if (role.role_type === "oidc" && role.callback_mode !== "device" && (role.allowed_redirect_uris ?? []).length === 0) throw invalid("'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.");
  const isBound = (role.bound_audiences ?? []).length > 0 || role.tokens.parameters.token_bound_cidrs.length > 0 || role.bound_subject !== "" || Object.keys(role.bound_claims ?? {}).length > 0;
  if (role.role_type === "jwt" && !isBound) throw invalid("must have at least one bound constraint when creating/updating a role");
}

function checkGlobs(claims: Readonly<Record<string, unknown>>): void {
  for (const value of Object.values(claims)) {
    const values = valuesOf(value);
    if (!values) throw invalid(`claim is not a string or list: ${JSON.stringify(value)}`);
    for (const one of values) if (typeof one !== "string") throw invalid(`claim is not a string: ${JSON.stringify(one)}`);
  }
}

function checkMappings(mappings: Readonly<Record<string, string>>): void {
  const targets = new Set<string>();
  for (const target of Object.values(mappings)) {
    if (target === RESERVED_METADATA) throw invalid(`metadata key ${JSON.stringify(target)} is reserved and may not be a mapping destination`);
    if (targets.has(target)) throw invalid(`multiple keys are mapped to metadata key ${JSON.stringify(target)}`);
    targets.add(target);
  }
}
