import { invalid } from "../errors.js";
import { field } from "../framework/index.js";
import type { AuthGrant, InputOf, LoginRenewal } from "../framework/index.js";
import { checkMetadata } from "../identity/metadata.js";
import { normalizedCidr } from "../tokens/index.js";

/**
 * What every auth method's role (or user) says of the tokens its logins make: the `token_*` fields of Vault's API, with the
 * older names that some methods know beside them. An engine spreads `tokenFields` (and `olderTokenFields`) into its own
 * fields, stores what `roleTokens` gives, shows `shownTokens`, and answers a login with `grantFor`.
 * Source: the "token parameters" that every auth method's page of Vault's API documentation lists.
 */
export const tokenFields = {
  alias_metadata: field.pairs({ description: "Key-value pairs that a login puts into the custom metadata of its entity alias." }),
  token_bound_cidrs: field.commaList({ description: "Networks that may use the token." }),
  token_explicit_max_ttl: field.duration({ description: "How long the token lives at most, whatever its mount and system allow." }),
  token_max_ttl: field.duration({ description: "How long the token can be renewed to live at most." }),
  token_no_default_policy: field.bool({ description: "Leaves the default policy out." }),
  token_num_uses: field.int({ description: "How often the token can be used; 0 means without limit." }),
  token_period: field.duration({ description: "Makes the token periodic: each renewal gives it this long, without a maximum." }),
  token_policies: field.commaList({ description: "Policies of the token." }),
  token_strictly_bind_ip: field.bool({ description: "Binds the token to the address that logged in." }),
  token_ttl: field.duration({ description: "How long the token lives unless it is renewed." }),
  token_type: field.string({ description: "Kind of token: `service`, `batch`, or `default` for what the mount is tuned to." }),
};

/** Older names of some of them; a method takes those that it always had. The newer one wins where both are given. */
export const olderTokenFields = {
  bound_cidrs: field.commaList({ description: "Older name of `token_bound_cidrs`.", deprecated: true }),
  max_ttl: field.duration({ description: "Older name of `token_max_ttl`.", deprecated: true }),
  num_uses: field.int({ description: "Older name of `token_num_uses`.", deprecated: true }),
  period: field.duration({ description: "Older name of `token_period`.", deprecated: true }),
  policies: field.commaList({ description: "Older name of `token_policies`.", deprecated: true }),
  ttl: field.duration({ description: "Older name of `token_ttl`.", deprecated: true }),
};

export type TokenInput = Partial<InputOf<typeof tokenFields>> & { readonly [N in OlderName]?: InputOf<typeof olderTokenFields>[N] };
type OlderName = keyof typeof olderTokenFields;

const NEWER_NAMES = { bound_cidrs: "token_bound_cidrs", max_ttl: "token_max_ttl", num_uses: "token_num_uses", period: "token_period", policies: "token_policies", ttl: "token_ttl" } as const satisfies Record<OlderName, keyof typeof tokenFields>;
const OLDER_NAMES = Object.keys(NEWER_NAMES) as readonly OlderName[];

/** Seconds, under the names of the wire: what is stored is what is shown. */
export interface TokenParameters {
  /** Absent in what was stored before there was such a field. */
  readonly alias_metadata?: Readonly<Record<string, string>>;
  readonly token_bound_cidrs: readonly string[];
  readonly token_explicit_max_ttl: number;
  readonly token_max_ttl: number;
  readonly token_no_default_policy: boolean;
  readonly token_num_uses: number;
  readonly token_period: number;
  readonly token_policies: readonly string[];
  readonly token_strictly_bind_ip: boolean;
  readonly token_ttl: number;
  readonly token_type: "default" | "service" | "batch";
}

/** Part of what a role stores. */
export interface RoleTokens {
  readonly parameters: TokenParameters;
  /** The older names it was written with, which a read then shows too. */
  readonly older: readonly OlderName[];
}

const DEFAULTS: TokenParameters = Object.freeze({
  alias_metadata: {},
  token_bound_cidrs: [],
  token_explicit_max_ttl: 0,
  token_max_ttl: 0,
  token_no_default_policy: false,
  token_num_uses: 0,
  token_period: 0,
  token_policies: [],
  token_strictly_bind_ip: false,
  token_ttl: 0,
  token_type: "default",
});

/** Of a role as it was before, if it was, and of what a request gave. Throws RequestError 400. */
export function roleTokens(input: TokenInput, before?: RoleTokens): RoleTokens {
  const given = Object.fromEntries(Object.keys(tokenFields).map((name) => [name, input[name as keyof typeof tokenFields]]).filter(([, value]) => value !== undefined)) as Partial<Record<keyof TokenParameters, unknown>>;
  const older = new Set(before?.older);
  for (const name of OLDER_NAMES) {
    const newer = NEWER_NAMES[name];
    if (input[name] !== undefined) {
      given[newer] ??= name === "policies" ? cleanPolicies(input[name] as readonly string[]) : input[name];
      older.add(name);
    } else if (given[newer] !== undefined) older.delete(name);
  }
  if (given.token_bound_cidrs !== undefined) given.token_bound_cidrs = cidrs(given.token_bound_cidrs as readonly string[]);
  if (given.token_type !== undefined) given.token_type = tokenType(given.token_type as string);
  const parameters = { ...DEFAULTS, ...before?.parameters, ...given } as TokenParameters;
  check(parameters);
  return { parameters, older: [...older].sort() };
}

function check(parameters: TokenParameters): void {
  checkMetadata(parameters.alias_metadata ?? {});
  if (parameters.token_num_uses < 0) throw invalid("'token_num_uses' cannot be negative");
  if (parameters.token_type === "batch" && parameters.token_period > 0) throw invalid("'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens");
  if (parameters.token_type === "batch" && parameters.token_num_uses > 0) throw invalid("'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count");
  if (parameters.token_max_ttl > 0 && parameters.token_ttl > parameters.token_max_ttl) throw invalid("'token_ttl' cannot be greater than 'token_max_ttl'");
  if (parameters.token_strictly_bind_ip && parameters.token_bound_cidrs.length > 0) throw invalid("'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one");
}

function cidrs(texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    const cidr = normalizedCidr(text);
    if (cidr === undefined) throw invalid(`invalid network ${JSON.stringify(text)} in 'token_bound_cidrs'`);
    return cidr;
  });
}

function tokenType(text: string): TokenParameters["token_type"] {
  if (text === "" || text === "default") return "default";
  if (text === "service" || text === "batch") return text;
  throw invalid(`invalid 'token_type' value ${JSON.stringify(text)}`);
}

function cleanPolicies(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ""))].sort();
}

/** The members of a read. Older names are shown as long as they say something, as in Vault. */
export function shownTokens({ parameters, older }: RoleTokens): Readonly<Record<string, unknown>> {
  const shown = older.map((name) => [name, parameters[NEWER_NAMES[name]]] as const).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0));
  return { alias_metadata: {}, ...parameters, ...Object.fromEntries(shown) };
}

/** Whether two lists of policies give the same: neither case nor order matters, nor `default`, which the core may add. */
export function equivalentPolicies(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [one, other].map((names) => new Set(names.map((name) => name.toLowerCase()).filter((name) => name !== "default"))) as [Set<string>, Set<string>];
  return a.size === b.size && [...a].every((name) => b.has(name));
}

/** Who logged in: all of a grant that the role's parameters do not say. */
export type Login = Pick<AuthGrant, "displayName" | "metadata" | "alias" | "groupAliases" | "internalData"> & {
  /** Policies beside the role's: of a user, of groups. */
  readonly policies?: readonly string[];
  readonly remoteAddress: string;
  /** Default true. */
  readonly renewable?: boolean;
};

/** What a login by a role hands out. */
export function grantFor({ parameters }: RoleTokens, { policies = [], remoteAddress, renewable = true, ...who }: Login): AuthGrant {
  const grant = {
    policies: [...parameters.token_policies, ...policies],
    noDefaultPolicy: parameters.token_no_default_policy,
    ttlSeconds: parameters.token_ttl,
    maxTtlSeconds: parameters.token_max_ttl,
    explicitMaxTtlSeconds: parameters.token_explicit_max_ttl,
    periodSeconds: parameters.token_period,
    numUses: parameters.token_num_uses,
    tokenType: parameters.token_type,
    boundCidrs: parameters.token_strictly_bind_ip ? [remoteAddress] : parameters.token_bound_cidrs,
    renewable,
    // Last, since that is ten times as fast.
    ...who,
  };
  const { alias_metadata: customMetadata = {} } = parameters;
  return who.alias && Object.keys(customMetadata).length > 0 ? { ...grant, alias: { ...who.alias, customMetadata } } : grant;
}

/** What a renewal gives by a role as it is by now: the rest stays as the login was given it. */
export function renewalFor({ parameters }: RoleTokens): LoginRenewal {
  return { ttlSeconds: parameters.token_ttl, maxTtlSeconds: parameters.token_max_ttl, periodSeconds: parameters.token_period };
}
