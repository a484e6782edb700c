import { data, definePath, field, invalid, keyList, NO_CONTENT } from "@coffer/state-machine";
import type { EngineRequest, InputOf, Mount, Response, WriteStorage } from "@coffer/state-machine";
import { deleteRole, emptyRole, getRole, putRole, ROLE_TOKEN_TYPES, ROLES } from "./role.js";
import type { RoleTokenType, TokenRole } from "./role.js";

const FIELDS = {
  role_name: field.string({ description: "Name of the role.", required: true }),
  allowed_policies: field.commaList({ description: "Policies that tokens may be created with; the caller needs none of them. Where none are asked for, all of them are given." }),
  disallowed_policies: field.commaList({ description: "Policies that tokens may not be created with." }),
  allowed_policies_glob: field.commaList({ description: "As allowed_policies, with `*` for any text." }),
  disallowed_policies_glob: field.commaList({ description: "As disallowed_policies, with `*` for any text." }),
  orphan: field.bool({ description: "Whether tokens have no parent, and so outlive their creator." }),
  renewable: field.bool({ description: "Whether tokens can be renewed. Default true." }),
  path_suffix: field.string({ description: "Added to the path of tokens, so that all of one revision of the role can be revoked by their prefix." }),
  allowed_entity_aliases: field.commaList({ description: "Entity aliases that tokens may be created with, with `*` for any text." }),
  token_bound_cidrs: field.commaList({ description: "Networks that tokens can be used from." }),
  token_explicit_max_ttl: field.duration({ description: "How long tokens live at most, whatever is renewed." }),
  token_period: field.duration({ description: "Makes tokens periodic: each renewal gives them this long." }),
  token_type: field.string({ description: "Kind of tokens: service, batch, or default-service and default-batch where the caller may choose. Default default-service." }),
  token_num_uses: field.int({ description: "How often tokens can be used; 0 means without limit." }),
  token_no_default_policy: field.bool({ description: "Leaves the default policy out." }),
  period: field.duration({ description: "Older name of token_period.", deprecated: true }),
  explicit_max_ttl: field.duration({ description: "Older name of token_explicit_max_ttl.", deprecated: true }),
  bound_cidrs: field.commaList({ description: "Older name of token_bound_cidrs.", deprecated: true }),
};
type Request = EngineRequest<InputOf<typeof FIELDS>>;

const HELP = { synopsis: "Manages token roles.", description: "A role says what tokens may be created by create/<role>. Who may use that path needs none of the policies that the role gives." };

export const rolesPath = definePath({
  template: "roles",
  help: { synopsis: "Lists token roles.", description: "By name." },
  fields: {},
  operations: { list: { effect: "read", summary: "List token roles.", handler: async (_request, storage) => keyList(await storage.list(ROLES)) } },
});

export const rolePath = definePath({
  template: "roles/{role_name}",
  help: HELP,
  fields: FIELDS,
  exists: ({ input }, storage) => getRole(storage, input.role_name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a token role.",
      handler({ input }, storage) {
        const role = getRole(storage, input.role_name);
        return role && data(shown(role));
      },
    },
    update: { effect: "write", summary: "Create or change a token role.", handler: write },
    delete: {
      effect: "write",
      summary: "Delete a token role. Its tokens live on, but are no longer renewed.",
      handler({ input }, storage) {
        deleteRole(storage, input.role_name);
        return NO_CONTENT;
      },
    },
  },
});

function shown(role: TokenRole): Record<string, unknown> {
  return {
    period: role.period,
    token_period: role.tokenPeriod,
    explicit_max_ttl: role.explicitMaxTtl,
    token_explicit_max_ttl: role.tokenExplicitMaxTtl,
    disallowed_policies: role.disallowedPolicies,
    allowed_policies: role.allowedPolicies,
    disallowed_policies_glob: role.disallowedPoliciesGlob,
    allowed_policies_glob: role.allowedPoliciesGlob,
    name: role.name,
    orphan: role.orphan,
    path_suffix: role.pathSuffix,
    renewable: role.renewable,
    token_type: role.tokenType,
    allowed_entity_aliases: role.allowedEntityAliases.length > 0 ? role.allowedEntityAliases : null,
    token_no_default_policy: role.tokenNoDefaultPolicy,
    ...(role.tokenBoundCidrs.length > 0 && { token_bound_cidrs: role.tokenBoundCidrs }),
    ...(role.boundCidrs.length > 0 && { bound_cidrs: role.boundCidrs }),
    ...(role.tokenNumUses > 0 && { token_num_uses: role.tokenNumUses }),
  };
}

function write({ input, given }: Request, storage: WriteStorage, { maxLeaseTtlSeconds }: Mount): Response {
  const before = getRole(storage, input.role_name) ?? emptyRole(input.role_name);
  const { renamed, warnings } = renamedFields(input, given);
  const role: TokenRole = {
    ...before,
    allowedPolicies: sorted(input.allowed_policies) ?? before.allowedPolicies,
    disallowedPolicies: sorted(input.disallowed_policies) ?? before.disallowedPolicies,
    allowedPoliciesGlob: sorted(input.allowed_policies_glob) ?? before.allowedPoliciesGlob,
    disallowedPoliciesGlob: sorted(input.disallowed_policies_glob) ?? before.disallowedPoliciesGlob,
    allowedEntityAliases: sorted(input.allowed_entity_aliases) ?? before.allowedEntityAliases,
    orphan: input.orphan ?? before.orphan,
    renewable: input.renewable ?? before.renewable,
    pathSuffix: input.path_suffix ?? before.pathSuffix,
    tokenType: tokenType(input.token_type) ?? before.tokenType,
    tokenNumUses: input.token_num_uses ?? before.tokenNumUses,
    tokenNoDefaultPolicy: input.token_no_default_policy ?? before.tokenNoDefaultPolicy,
    ...renamed,
  };
  putRole(storage, role);
  if (role.tokenExplicitMaxTtl > maxLeaseTtlSeconds) {
    warnings.push(`Given explicit max TTL of ${role.tokenExplicitMaxTtl} is greater than system/mount allowed value of ${maxLeaseTtlSeconds} seconds; until this is fixed attempting to create tokens against this role will result in an error`);
  }
  return warnings.length > 0 ? { ...NO_CONTENT, warnings } : NO_CONTENT;
}

/** What has a newer and an older name: the newer wins, and then the older is no longer shown. */
function renamedFields(input: Request["input"], given: Request["given"]): { readonly renamed: Partial<TokenRole>; readonly warnings: string[] } {
  const warnings: string[] = [];
  const isNewer = (name: "period" | "explicit_max_ttl" | "bound_cidrs"): boolean => {
    const newer = given(`token_${name}`);
    if (newer && given(name)) warnings.push(`Both 'token_${name}' and deprecated '${name}' value supplied, ignoring the deprecated value`);
    return newer;
  };
  const renamed: Partial<TokenRole> = {
    ...(isNewer("period") ? { tokenPeriod: input.token_period ?? 0, period: 0 } : input.period !== undefined && { tokenPeriod: input.period, period: input.period }),
    ...(isNewer("explicit_max_ttl") ? { tokenExplicitMaxTtl: input.token_explicit_max_ttl ?? 0, explicitMaxTtl: 0 } : input.explicit_max_ttl !== undefined && { tokenExplicitMaxTtl: input.explicit_max_ttl, explicitMaxTtl: input.explicit_max_ttl }),
    ...(isNewer("bound_cidrs") ? { tokenBoundCidrs: input.token_bound_cidrs ?? [], boundCidrs: [] } : input.bound_cidrs !== undefined && { tokenBoundCidrs: input.bound_cidrs, boundCidrs: input.bound_cidrs }),
  };
  return { renamed, warnings };
}

function tokenType(asked: string | undefined): RoleTokenType | undefined {
  if (asked === undefined) return undefined;
  const known = ROLE_TOKEN_TYPES.find((type) => type === asked);
  if (!known) throw invalid(`invalid 'token_type' value ${JSON.stringify(asked)}`);
  return known;
}

/** Lower-cased, without duplicates. */
function sorted(names: readonly string[] | undefined): string[] | undefined {
  return names && [...new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ""))].sort();
}
