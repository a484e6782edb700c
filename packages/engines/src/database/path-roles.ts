import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { checkCredentialType, credentialConfig, passwordPolicyFrom, roleFields } from "./role-input.js";
import { deleteRole, getRole, getStaticRole, putRole, ROLE_FOLDER } from "./storage.js";

export const rolesPath = definePath({
  template: "roles",
  help: { synopsis: "Lists the roles.", description: "Only their names." },
  fields: pageFields(),
  operations: {
    list: { effect: "read", summary: "List the roles.", handler: async ({ input }, storage) => keyList(await storage.list(ROLE_FOLDER, input)) },
  },
});

const statements = (description: string) => field.stringList({ description });
const withoutEmpty = (list: readonly string[]) => list.filter((one) => one !== "");

export const rolePath = definePath({
  template: "roles/{name}",
  help: { synopsis: "Manages roles, whose users are made when they are asked for.", description: "Statements are SQL in clear or base64, several of them parted by semicolons or in a list. {{name}}, {{username}}, {{password}} and {{expiration}} are filled in as raw text: quote them." },
  fields: {
    ...roleFields,
    creation_statements: statements("Statements that make a user. Redis: its rules, as a JSON list."),
    revocation_statements: statements("Statements that remove a user; without them the plugin does it in its own way."),
    rollback_statements: statements("Statements that remove a user whose making failed midway; without them, those of the revocation."),
    renew_statements: statements("Statements that move a user's end; without them the plugin does it in its own way."),
    default_ttl: field.duration({ description: "How long a user lives; 0 for the mount's default." }),
    max_ttl: field.duration({ description: "How long a user lives at most, however often it is renewed; 0 for the mount's maximum." }),
  },
  exists: ({ input }, storage) => getRole(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a role.",
      handler({ input }, storage) {
        const role = getRole(storage, input.name);
        if (!role) return undefined;
        const { password_policy, ...rest } = role;
        return data({ ...rest, credential_type: "password", ...credentialConfig(password_policy) });
      },
    },
    update: {
      effect: "write",
      summary: "Write a role, or change some of it.",
      handler({ input }, storage) {
        if (getStaticRole(storage, input.name)) throw invalid("Role and Static Role names must be unique");
        const before = getRole(storage, input.name);
        const db_name = input.db_name ?? before?.db_name ?? "";
        if (db_name === "") throw invalid("database name is required");
        checkCredentialType(input.credential_type);
        putRole(storage, input.name, {
          db_name,
          creation_statements: input.creation_statements ?? before?.creation_statements ?? [],
          revocation_statements: withoutEmpty(input.revocation_statements ?? before?.revocation_statements ?? []),
          rollback_statements: input.rollback_statements ?? before?.rollback_statements ?? [],
          renew_statements: input.renew_statements ?? before?.renew_statements ?? [],
          default_ttl: input.default_ttl ?? before?.default_ttl ?? 0,
          max_ttl: input.max_ttl ?? before?.max_ttl ?? 0,
          password_policy: passwordPolicyFrom(input.credential_config) ?? before?.password_policy ?? "",
        });
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a role. Its users stay until their leases end.",
      handler({ input }, storage) {
        deleteRole(storage, input.name);
        return NO_CONTENT;
      },
    },
  },
});
