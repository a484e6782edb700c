import { field, invalid, isSubset, olderTokenFields, roleTokens, shortDuration, shownTokens, tokenFields } from "@coffer/state-machine";
import type { InputOf, RoleTokens, TokenParameters } from "@coffer/state-machine";

/** What a role says beside its tokens. Seconds, under the names of the wire: what is stored is what is shown. */
export interface RoleSettings {
  readonly role_id: string;
  readonly bind_secret_id: boolean;
  readonly secret_id_bound_cidrs: readonly string[];
  readonly secret_id_num_uses: number;
  readonly secret_id_ttl: number;
  readonly local_secret_ids: boolean;
}

export interface Role {
  readonly name: string;
  /** Secret ids hang on it, so that a new role of the same name has none of them. */
  readonly uuid: string;
  readonly settings: RoleSettings;
  readonly tokens: RoleTokens;
}

export const ROLE_NAME = field.name({ description: "Name of the role; case does not matter.", required: true });

const { policies, period } = olderTokenFields;
export const roleFields = {
  role_id: field.string({ description: "Identifier of the role, which a login shows. A UUID unless it is given." }),
  bind_secret_id: field.bool({ description: "A login needs a secret id. True unless it is turned off." }),
  secret_id_bound_cidrs: field.commaList({ description: "Networks that may log in." }),
  bound_cidr_list: field.commaList({ description: "Older name of `secret_id_bound_cidrs`.", deprecated: true }),
  secret_id_num_uses: field.int({ description: "How many logins a secret id is good for; 0 means without limit." }),
  secret_id_ttl: field.duration({ description: "How long a secret id lives; 0 means until it is destroyed." }),
  local_secret_ids: field.bool({ description: "Secret ids are not replicated to other clusters. Only when the role is made." }),
  policies,
  period,
  ...tokenFields,
};

export type RoleInput = { readonly [N in keyof typeof roleFields]?: InputOf<typeof roleFields>[N] };

export const ROLE_DEFAULTS: Omit<RoleSettings, "role_id"> = Object.freeze({
  bind_secret_id: true,
  secret_id_bound_cidrs: [],
  secret_id_num_uses: 0,
  secret_id_ttl: 0,
  local_secret_ids: false,
});

/** Older of two spellings of a kind of token, which mean no more than the newer. */
const TOKEN_TYPES: Readonly<Record<string, string>> = { "default-service": "service", "default-batch": "batch" };

export interface ChangedRole {
  readonly role: Role;
  readonly warnings: readonly string[];
}

/** A role with what a request gave. Throws RequestError 400. */
export function changeRole(before: Role, input: RoleInput, isNew: boolean, maxLeaseTtlSeconds: number): ChangedRole {
  const warnings: string[] = [];
  if (input.local_secret_ids !== undefined && !isNew) throw invalid("local_secret_ids can only be modified during role creation");
  const settings: RoleSettings = {
    role_id: input.role_id ?? before.settings.role_id,
    bind_secret_id: input.bind_secret_id ?? before.settings.bind_secret_id,
    secret_id_bound_cidrs: input.secret_id_bound_cidrs ?? input.bound_cidr_list ?? before.settings.secret_id_bound_cidrs,
    secret_id_num_uses: input.secret_id_num_uses ?? before.settings.secret_id_num_uses,
    secret_id_ttl: input.secret_id_ttl ?? before.settings.secret_id_ttl,
    local_secret_ids: input.local_secret_ids ?? before.settings.local_secret_ids,
  };
  const newer = input.token_type !== undefined && Object.hasOwn(TOKEN_TYPES, input.token_type) ? TOKEN_TYPES[input.token_type] : undefined;
  if (newer !== undefined) warnings.push(`${input.token_type} has no useful meaning; adjusting to ${newer}`);
  const tokens = roleTokens({ ...input, token_type: newer ?? input.token_type }, before.tokens);
  check(settings, tokens.parameters, maxLeaseTtlSeconds);
  if (tokens.parameters.token_max_ttl > maxLeaseTtlSeconds) warnings.push("token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be truncated");
  return { role: { ...before, settings, tokens }, warnings };
}

function check(settings: RoleSettings, tokens: TokenParameters, maxLeaseTtlSeconds: number): void {
  if (settings.role_id === "") throw invalid("invalid role_id supplied, or failed to generate a role_id");
  if (settings.role_id.length > MAX_ID_LENGTH) throw invalid(`role_id is longer than maximum of ${MAX_ID_LENGTH} bytes`);
  checkNetworks(settings.secret_id_bound_cidrs);
  if (settings.secret_id_num_uses < 0) throw invalid("secret_id_num_uses cannot be negative");
  if (tokens.token_period > maxLeaseTtlSeconds) throw invalid(`period of "${shortDuration(tokens.token_period)}" is greater than the backend's maximum lease TTL of "${shortDuration(maxLeaseTtlSeconds)}"`);
  if (!settings.bind_secret_id && settings.secret_id_bound_cidrs.length === 0 && tokens.token_bound_cidrs.length === 0) throw invalid("at least one constraint should be enabled on the role");
}

/** Of role ids and secret ids. */
export const MAX_ID_LENGTH = 4096;

/** Throws RequestError 400. */
export function checkNetworks(networks: readonly string[], within: readonly string[] = []): void {
  for (const network of networks) if (!isSubset(network, [network])) throw invalid(`failed to validate CIDR blocks: invalid CIDR address: ${network}`);
  const outside = within.length === 0 ? undefined : networks.find((network) => !isSubset(network, within));
  if (outside !== undefined) throw invalid(`failed to verify subset relationship between CIDR blocks on the role ${JSON.stringify(within)} and CIDR blocks on the secret ID ${JSON.stringify(networks)}`);
}

/** As Vault shows networks of a role that has none. */
export const orNull = (networks: readonly string[]) => (networks.length === 0 ? null : networks);

/** The members of a read, `role_id` not among them. */
export function shownRole({ settings: { role_id: _, ...settings }, tokens }: Role): Readonly<Record<string, unknown>> {
  return { ...settings, secret_id_bound_cidrs: orNull(settings.secret_id_bound_cidrs), ...shownTokens(tokens) };
}
