import { data, definePath, field, invalid, keyList, NO_CONTENT, shownTokens } from "@coffer/state-machine";
import type { ReadStorage } from "@coffer/state-machine";
import { lookUp } from "./lookup.js";
import { canonicalArn, isWildcard, parsePrincipal } from "./principal.js";
import { ROLE_SETTINGS, toRole } from "./role-input.js";
import { deleteRole, getRole, putRole, ROLES } from "./storage.js";
import type { Role } from "./storage.js";

const HELP = { synopsis: "Lists roles.", description: "By their names, in lower case." };
const list = { list: { effect: "read", summary: "List roles.", handler: async (_request: unknown, storage: ReadStorage) => keyList(await storage.list(ROLES)) } } as const;
export const rolesPath = definePath({ template: "roles", help: HELP, fields: {}, operations: list });
export const roleListPath = definePath({ template: "role", help: HELP, fields: {}, operations: list });

/** AWS's ids of the principals that are bound without a wildcard. Throws RequestError 400 for one that AWS does not know. */
async function uniqueIds(storage: ReadStorage, role: Role): Promise<readonly string[]> {
  if (role.auth_type !== "iam" || !role.resolve_aws_unique_ids) return [];
  const ids: string[] = [];
  for (const arn of role.bound_iam_principal_arn.filter((one) => !isWildcard(one))) {
    const principal = parsePrincipal(arn);
    if (!principal) throw invalid(`unable to resolve ARN ${JSON.stringify(arn)} to internal ID`);
    const found = await lookUp(storage, principal);
    const named = parsePrincipal(found.arn);
    // Roles and users are bound with and without their path; the account is what must not be another one.
    if (!named || canonicalArn(named) !== canonicalArn(principal)) throw invalid(`unable to resolve ARN ${JSON.stringify(arn)} to internal ID: AWS calls it ${JSON.stringify(found.arn)}`);
    ids.push(found.id);
  }
  return ids;
}

const sameNames = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((one) => b.includes(one));

export const rolePath = definePath({
  template: "role/{role}",
  help: { synopsis: "Reads and writes a role.", description: "A role says which principals may log in, and what their tokens are like. A write leaves alone what it does not name." },
  fields: { role: field.name({ description: "Name of the role; upper and lower case are the same.", required: true }), ...ROLE_SETTINGS },
  exists: ({ input }, storage) => getRole(storage, input.role) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler({ input }, storage) {
        const role = getRole(storage, input.role);
        if (!role) return undefined;
        const { tokens, hmac_key: _key, ...shown } = role;
        return data({ ...shown, ...shownTokens(tokens) });
      },
    },
    update: {
      effect: "write",
      summary: "Write a role.",
      async handler({ input: { role: name, ...settings } }, storage, { env, maxLeaseTtlSeconds }) {
        const before = getRole(storage, name);
        const role = toRole(settings, env, before);
        // Ids are looked up when principals are named, so that a role follows none who takes over a name later.
        const isAsBefore = before !== undefined && before.resolve_aws_unique_ids === role.resolve_aws_unique_ids && settings.bound_iam_principal_arn === undefined && sameNames(before.bound_iam_principal_arn, role.bound_iam_principal_arn);
        putRole(storage, name, { ...role, bound_iam_principal_id: isAsBefore ? before.bound_iam_principal_id : await uniqueIds(storage, role) });
        const { token_ttl, token_max_ttl } = role.tokens.parameters;
        const tooLong = (["token_ttl", "token_max_ttl"] as const).filter((one) => ({ token_ttl, token_max_ttl })[one] > maxLeaseTtlSeconds);
        return tooLong.length > 0 ? { ...NO_CONTENT, warnings: [`${tooLong.join(" and ")} exceed the mount's maximum of ${maxLeaseTtlSeconds} seconds, which then counts`] } : NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a role. Its tokens are no longer renewed.",
      handler({ input }, storage) {
        deleteRole(storage, input.role);
        return NO_CONTENT;
      },
    },
  },
});
