import { data, definePath, invalid } from "@coffer/state-machine";
import type { AnyPath, Response, WriteOperation } from "@coffer/state-machine";
import { roleToWrite, writeRole } from "./path-role.js";
import { ROLE_NAME, orNull, roleFields, shownRole } from "./role.js";
import type { Role, RoleInput } from "./role.js";
import { getRole } from "./storage.js";

/** A path below a role that reads, sets and resets one of its fields. */
interface FieldPath {
  readonly segment: string;
  /** The first is the one that a reset sets. */
  readonly fields: readonly [keyof RoleInput, ...(keyof RoleInput)[]];
  /** What a write without any of them is told is missing; the first field unless it is given. */
  readonly missing?: string;
  /** Not to be reset. */
  readonly fixed?: true;
  /** Not to be written either. */
  readonly readOnly?: true;
  readonly warning?: string;
}

const FIELD_PATHS: readonly FieldPath[] = [
  { segment: "policies", fields: ["token_policies", "policies"] },
  { segment: "bound-cidr-list", fields: ["bound_cidr_list"], warning: 'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.' },
  { segment: "secret-id-bound-cidrs", fields: ["secret_id_bound_cidrs"] },
  { segment: "token-bound-cidrs", fields: ["token_bound_cidrs"] },
  { segment: "bind-secret-id", fields: ["bind_secret_id"] },
  { segment: "secret-id-num-uses", fields: ["secret_id_num_uses"] },
  { segment: "secret-id-ttl", fields: ["secret_id_ttl"] },
  { segment: "period", fields: ["token_period", "period"], missing: "period" },
  { segment: "token-num-uses", fields: ["token_num_uses"] },
  { segment: "token-ttl", fields: ["token_ttl"] },
  { segment: "token-max-ttl", fields: ["token_max_ttl"] },
  { segment: "role-id", fields: ["role_id"], fixed: true },
  { segment: "local-secret-ids", fields: ["local_secret_ids"], readOnly: true },
];

/** Values of a role as it is made, for a reset. */
const RESET: RoleInput = Object.freeze({
  token_policies: [], bound_cidr_list: [], secret_id_bound_cidrs: [], token_bound_cidrs: [], bind_secret_id: true, secret_id_num_uses: 0,
  secret_id_ttl: 0, token_period: 0, token_num_uses: 0, token_ttl: 0, token_max_ttl: 0,
});

function shownFields(role: Role, { fields, warning }: FieldPath): Response {
  const all = { ...shownRole(role), role_id: role.settings.role_id, bound_cidr_list: orNull(role.settings.secret_id_bound_cidrs) };
  const values = Object.fromEntries(Object.entries(all).filter(([name]) => (fields as readonly string[]).includes(name)));
  return data(values, warning === undefined ? {} : { warnings: [warning] });
}

function fieldPath(path: FieldPath): AnyPath {
  const { segment, fields, missing = fields[0], fixed, readOnly } = path;
  const declared = { role_name: ROLE_NAME, ...Object.fromEntries(fields.map((name) => [name, roleFields[name]])) } as { role_name: typeof ROLE_NAME } & Partial<typeof roleFields>;
  type Operation = WriteOperation<typeof declared, unknown>;
  const update: Operation = {
    effect: "write",
    summary: `Set ${fields[0]} of a role.`,
    handler: ({ input: { role_name: name, ...input }, given }, storage, mount) => {
      const role = roleToWrite(storage, name);
      if (!fields.some(given)) throw invalid(`missing ${missing}`);
      return writeRole(storage, role, input as RoleInput, false, mount);
    },
  };
  const reset: Operation = {
    effect: "write",
    summary: `Set ${fields[0]} of a role back to its default.`,
    handler: ({ input }, storage, mount) => {
      const role = getRole(storage, input.role_name);
      return role && writeRole(storage, role, { [fields[0]]: RESET[fields[0]] }, false, mount);
    },
  };
  return definePath({
    template: `role/{role_name}/${segment}`,
    help: { synopsis: `Reads${readOnly ? "" : " and sets"} ${fields[0]} of a role.`, description: "The same as the field of the role, for those who may touch nothing else of it." },
    fields: declared as Record<"role_name", typeof ROLE_NAME>,
    operations: {
      read: {
        effect: "read",
        summary: `Read ${fields[0]} of a role.`,
        handler: ({ input }, storage) => {
          const role = getRole(storage, input.role_name);
          return role && shownFields(role, path);
        },
      },
      ...(!readOnly && { update }),
      ...(!readOnly && !fixed && { delete: reset }),
    },
  });
}

export const roleFieldPaths: readonly AnyPath[] = FIELD_PATHS.map(fieldPath);
