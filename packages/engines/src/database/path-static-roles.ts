import { data, definePath, field, invalid, keyList, NO_CONTENT, pageFields } from "@coffer/state-machine";
import { nextTurn } from "../rotation/turn.js";
import { rhythmFrom } from "../rotation/rhythm.js";
import { checkAllowed, checkCredentialType, credentialConfig, passwordPolicyFrom, roleFields } from "./role-input.js";
import { rotate } from "./rotation.js";
import { deleteStaticRole, getRole, getStaticRole, isSelfManaged, needConfig, putStaticRole, STATIC_ROLE_FOLDER } from "./storage.js";
import type { DatabaseConfig, StaticRole } from "./storage.js";

export const staticRolesPath = definePath({
  template: "static-roles",
  help: { synopsis: "Lists the static roles.", description: "Only their names." },
  fields: pageFields(),
  operations: {
    list: { effect: "read", summary: "List the static roles.", handler: async ({ input }, storage) => keyList(await storage.list(STATIC_ROLE_FOLDER, input)) },
  },
});

/** How often, as roles and credentials show it. */
export function shownRhythm({ rotation_period, rotation_schedule, rotation_window }: StaticRole): Readonly<Record<string, unknown>> {
  if (rotation_period > 0) return { rotation_period };
  return { rotation_schedule, ...(rotation_window > 0 && { rotation_window }) };
}

/** 0: not yet, in Go's words. */
export const time = (ms: number): string => (ms === 0 ? "0001-01-01T00:00:00Z" : new Date(ms).toISOString());

export const staticRolePath = definePath({
  template: "static-roles/{name}",
  help: { synopsis: "Manages static roles: one user of the database each, whose password is changed from time to time.", description: "Writing a new one changes the password at once. The user itself is neither made nor removed." },
  fields: {
    ...roleFields,
    username: field.string({ description: "The user. It cannot be changed." }),
    rotation_period: field.duration({ description: "Time between two changes of the password, at least 5 seconds." }),
    rotation_schedule: field.string({ description: "Instead of a period, five fields of cron, in UTC." }),
    rotation_window: field.duration({ description: "With a schedule, how long after its time the password may still be changed, at least an hour. After that it waits for the next time." }),
    skip_import_rotation: field.bool({ description: "Whether a new role leaves the password as it is, and is told it; what the connection says unless given." }),
    password: field.string({ description: "The user's password as it is: with skip_import_rotation, and on a self-managed connection, where an existing role takes another one too.", default: "", sensitive: true }),
    self_managed_password: field.string({ description: "An older name of password.", default: "", sensitive: true, deprecated: true }),
    rotation_statements: field.stringList({ description: "Statements that change the password; without them the plugin does it in its own way." }),
  },
  exists: ({ input }, storage) => getStaticRole(storage, input.name) !== undefined,
  operations: {
    read: {
      effect: "read",
      summary: "Read a static role.",
      handler({ input }, storage) {
        const role = getStaticRole(storage, input.name);
        if (!role) return undefined;
        const { db_name, username, rotation_statements, password_policy, lastRotationMs, skip_import_rotation = false } = role;
        return data({ db_name, username, rotation_statements, credential_type: "password", ...shownRhythm(role), ...(lastRotationMs > 0 && { last_vault_rotation: time(lastRotationMs) }), ...credentialConfig(password_policy), skip_import_rotation });
      },
    },
    update: {
      effect: "write",
      summary: "Write a static role, or change some of it. A new one gets a new password.",
      async handler({ input }, storage, mount) {
        const { name } = input;
        if (getRole(storage, name)) throw invalid("Role and Static Role names must be unique");
        const before = getStaticRole(storage, name);
        const db_name = input.db_name ?? before?.db_name ?? "";
        if (db_name === "") throw invalid("database name is a required field");
        const username = input.username ?? before?.username ?? "";
        if (username === "") throw invalid("username is a required field to create a static account");
        if (before && before.username !== username) throw invalid("cannot update static account username");
        checkCredentialType(input.credential_type);
        const rhythm = rhythmFrom(input, before);
        const password_policy = passwordPolicyFrom(input.credential_config) ?? before?.password_policy ?? "";
        const config = needConfig(storage, db_name);
        const known = knownPassword(input, config, before);
        const role: StaticRole = {
          ...(before ?? UNROTATED),
          ...rhythm,
          db_name,
          username,
          password: known || (before?.password ?? ""),
          rotation_statements: input.rotation_statements ?? before?.rotation_statements ?? [],
          password_policy,
        };
        if (before) {
          putStaticRole(storage, name, rescheduled(role, before, mount.env.now()));
          return input.skip_import_rotation === undefined ? NO_CONTENT : { ...NO_CONTENT, warnings: ["skip_import_rotation has no effect on a role that is there already"] };
        }
        const skip_import_rotation = input.skip_import_rotation ?? config.skip_static_role_import_rotation ?? false;
        if (!skip_import_rotation) await rotate(name, role, storage, mount);
        else if (known === "") throw invalid("password is required where the first rotation is skipped");
        else {
          checkAllowed(config, name);
          putStaticRole(storage, name, { ...role, ...nextTurn(role, mount.env.now()), skip_import_rotation });
        }
        return NO_CONTENT;
      },
    },
    delete: {
      effect: "write",
      summary: "Delete a static role. Its user stays, with the password it has.",
      handler({ input }, storage) {
        deleteStaticRole(storage, input.name);
        return NO_CONTENT;
      },
    },
  },
});

const UNROTATED = { password: "", lastRotationMs: 0, scheduledMs: 0, dueMs: 0, failures: 0, failure: "", revision: 0 };

interface GivenPassword {
  readonly password: string;
  readonly self_managed_password: string;
}

/** The password that the caller says the user has; empty where there is none to say. Throws RequestError 400. */
function knownPassword({ password, self_managed_password }: GivenPassword, config: DatabaseConfig, before: StaticRole | undefined): string {
  if (password !== "" && self_managed_password !== "" && password !== self_managed_password) throw invalid("password and self_managed_password are two names of the same thing");
  const known = password || self_managed_password;
  if (isSelfManaged(config) && known === "" && !before) throw invalid("password is required on a self_managed connection");
  if (before && known !== "" && !isSelfManaged(config)) throw invalid("the password of a role that is there already is changed by rotations only");
  return known;
}

/** Another rhythm counts from the last rotation, or for a schedule from now. */
function rescheduled(role: StaticRole, before: StaticRole, nowMs: number): StaticRole {
  if (role.rotation_period === before.rotation_period && role.rotation_schedule === before.rotation_schedule) return role;
  return { ...role, ...nextTurn(role, role.rotation_period > 0 && role.lastRotationMs > 0 ? role.lastRotationMs : nowMs), failures: role.failures, failure: role.failure };
}
