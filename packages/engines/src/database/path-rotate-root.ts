import { definePath, field, invalid, NO_CONTENT } from "@coffer/state-machine";
import type { IntentKind } from "@coffer/state-machine";
import { databaseError, forgetConnection, openConnection, secretsOf, withDatabase } from "./connections.js";
import { text } from "./details.js";
import { newPassword } from "./role-input.js";
import { getConfig, needConfig, putConfig } from "./storage.js";
import type { DatabaseConfig } from "./storage.js";

export const rotateRootPath = definePath({
  template: "rotate-root/{name}",
  help: { synopsis: "Changes the password of a connection's own user.", description: "From then on nobody but Coffer knows it." },
  fields: { name: field.name({ description: "Name of the database connection.", required: true }) },
  operations: {
    update: {
      effect: "write",
      summary: "Change the password of the connection's own user.",
      async handler({ input: { name } }, storage, mount) {
        const config = needConfig(storage, name);
        const username = text(config.connection_details, "username");
        if (username === "") throw invalid("unable to rotate root credentials: no username in configuration");
        if (text(config.connection_details, "password") === "") throw invalid("unable to rotate root credentials: no password in configuration");
        const password = newPassword(mount, "", config);
        const intent = await mount.intents.begin("root-password", { name, password });
        await withDatabase(mount, name, config, (database) => database.setPassword({ username, password, statements: config.root_credentials_rotate_statements }), [password]);
        mount.intents.confirm(intent);
        putConfig(storage, name, withPassword(config, password));
        forgetConnection(mount, name);
        return NO_CONTENT;
      },
    },
  },
});

/** The revision makes two who write it conflict, and every node connect anew. */
const withPassword = (config: DatabaseConfig, password: string): DatabaseConfig => ({ ...config, connection_details: { ...config.connection_details, password }, revision: config.revision + 1 });

/** The database may have the new password while we have stored the old one: whichever lets us in tells, and the stored one is set again. */
export const ROOT_PASSWORD_INTENT: IntentKind = {
  kind: "root-password",
  async rollback(intent, storage, mount) {
    const { name, password: changed } = intent as { readonly name: string; readonly password: string };
    const config = getConfig(storage, name);
    if (!config) return;
    const username = text(config.connection_details, "username");
    const password = text(config.connection_details, "password");
    const failure = await enter(config, async () => undefined);
    if (failure === undefined) return;
    // Written, so that a rotation that is under way conflicts and starts over.
    putConfig(storage, name, withPassword(config, password));
    forgetConnection(mount, name);
    const undone = await enter(withPassword(config, changed), (database) => database.setPassword({ username, password, statements: config.root_credentials_rotate_statements }));
    if (undone !== undefined) throw new Error(`neither the stored password nor the one that was to replace it is taken: ${failure}`);
  },
};

/** Undefined where it went well, else what the database says. */
async function enter(config: DatabaseConfig, work: (database: ReturnType<typeof openConnection>) => Promise<void>): Promise<string | undefined> {
  const database = openConnection(config);
  try {
    await database.verify();
    await work(database);
    return undefined;
  } catch (error) {
    return databaseError(error, secretsOf(config.connection_details));
  } finally {
    await database.close();
  }
}
