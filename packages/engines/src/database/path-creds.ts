import { data, definePath, invalid } from "@coffer/state-machine";
import type { IntentKind, Mount, SecretKind } from "@coffer/state-machine";
import { withDatabase } from "./connections.js";
import { PLUGINS } from "./plugins.js";
import { checkAllowed, newPassword, roleFields } from "./role-input.js";
import { expirationText } from "./statements.js";
import { getConfig, getRole, isSelfManaged, needConfig } from "./storage.js";
import type { Role } from "./storage.js";
import { newUsername } from "./username.js";

const MS = 1000;
/** A user ends a little after its lease, never before. */
const LEEWAY_SECONDS = 5;
const expiration = ({ env }: Mount, ttlSeconds: number) => expirationText(env.now() + (ttlSeconds + LEEWAY_SECONDS) * MS);

export const credsPath = definePath({
  template: "creds/{name}",
  help: { synopsis: "Makes a user of a role.", description: "Each reading makes another one, with a lease. It is removed when the lease ends." },
  fields: { name: roleFields.name },
  operations: {
    read: {
      effect: "write",
      summary: "Make a user.",
      async handler({ input: { name }, caller }, storage, mount) {
        const role = getRole(storage, name);
        if (!role) throw invalid(`unknown role: ${name}`);
        const config = needConfig(storage, role.db_name);
        checkAllowed(config, name);
        if (isSelfManaged(config)) throw invalid("a self_managed connection has no user that could make others: it is for static roles only");
        if (PLUGINS.get(config.plugin_name)!.needsCreationStatements && role.creation_statements.length === 0) throw invalid("empty creation statements");
        const username = newUsername(config, { DisplayName: caller?.displayName ?? "", RoleName: name }, mount.env);
        const password = newPassword(mount, role.password_policy, config);
        const { db_name, revocation_statements, rollback_statements } = role;
        const intent = await mount.intents.begin("user", { username, db_name, statements: rollback_statements.length > 0 ? rollback_statements : revocation_statements });
        await withDatabase(mount, db_name, config, (database) => database.createUser({ username, password, expiration: expiration(mount, ttlOf(role, mount)), statements: role.creation_statements }), [password]);
        mount.intents.confirm(intent);
        return data({ username, password }, { secret: { kind: USER.name, ttlSeconds: role.default_ttl, maxTtlSeconds: role.max_ttl, renewable: true, internalData: { username, role: name, db_name, revocation_statements } } });
      },
    },
  },
});

/** What the lease will get, in seconds. */
function ttlOf({ default_ttl, max_ttl }: Role, { defaultLeaseTtlSeconds, maxLeaseTtlSeconds }: Mount): number {
  return Math.min(default_ttl || defaultLeaseTtlSeconds, max_ttl || Infinity, maxLeaseTtlSeconds);
}

/** What a lease holds of its user, should the role be gone by its end. */
interface UserData {
  readonly username: string;
  readonly role: string;
  readonly db_name: string;
  readonly revocation_statements: readonly string[];
}

export const USER: SecretKind = {
  name: "creds",
  async renew(internalData, increment, storage, mount, { issueTime, granted }) {
    const { username, role: roleName } = internalData as unknown as UserData;
    const role = getRole(storage, roleName);
    if (!role) throw invalid(`error during renew: could not find role with name ${JSON.stringify(roleName)}`);
    const left = role.max_ttl > 0 ? issueTime + role.max_ttl - Math.floor(mount.env.now() / MS) : Infinity;
    if (left <= 0) throw invalid("past the max TTL, cannot renew");
    const asked = increment || role.default_ttl || mount.defaultLeaseTtlSeconds;
    // Where the lease's own maximum is as low, it is the lease's to cut, and to say so.
    const ttl = granted(asked) <= left ? asked : left;
    const config = needConfig(storage, role.db_name);
    await withDatabase(mount, role.db_name, config, (database) => database.renewUser({ username, expiration: expiration(mount, granted(ttl)), statements: role.renew_statements }));
    return ttl;
  },
  async revoke(internalData, storage, mount) {
    const { username, role: roleName, db_name, revocation_statements } = internalData as unknown as UserData;
    const { db_name: name, revocation_statements: statements } = getRole(storage, roleName) ?? { db_name, revocation_statements };
    await withDatabase(mount, name, needConfig(storage, name), (database) => database.deleteUser({ username, statements }));
  },
};

/** A user that was made, or half made, for a request that came to nothing. */
export const USER_INTENT: IntentKind = {
  kind: "user",
  async rollback(intent, storage, mount) {
    const { username, db_name, statements } = intent as { readonly username: string; readonly db_name: string; readonly statements: readonly string[] };
    const config = getConfig(storage, db_name);
    // Nobody knows any more where the user would be.
    if (config) await withDatabase(mount, db_name, config, (database) => database.deleteUser({ username, statements }));
  },
};
