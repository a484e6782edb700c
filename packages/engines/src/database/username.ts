import { invalid, NameTemplateError, parseNameTemplate } from "@coffer/state-machine";
import type { Environment } from "@coffer/state-machine";
import { text } from "./details.js";
import { PLUGINS } from "./plugins.js";
import type { DatabaseConfig } from "./storage.js";

type Config = Pick<DatabaseConfig, "plugin_name" | "connection_details">;

/** Who asks for a user, and by which role. */
export interface UsernameData {
  readonly DisplayName: string;
  readonly RoleName: string;
}

/** Characters that would end a quoted name or a statement: whoever can choose a display name must not write SQL with it. */
const UNSAFE = /["'`\\;{}\p{Cc}]/gu;

function makeUsername({ plugin_name, connection_details }: Config, { DisplayName, RoleName }: UsernameData, env: Environment): string {
  const plugin = PLUGINS.get(plugin_name)!;
  const own = text(connection_details, "username_template");
  if (own !== "" && !plugin.customUsernames) throw invalid(`error creating database object: ${plugin_name} has no username_template`);
  const template = parseNameTemplate(own || plugin.usernameTemplate, ["DisplayName", "RoleName"]);
  return template.render({ DisplayName: DisplayName.replace(UNSAFE, "_"), RoleName }, env);
}

/** Throws RequestError 400 for a template that makes no name, whoever asks. */
export function checkUsernameTemplate(config: Config, env: Environment): void {
  try {
    makeUsername(config, { DisplayName: "", RoleName: "" }, env);
  } catch (error) {
    if (error instanceof NameTemplateError) throw invalid(`error creating database object: unable to initialize username template: ${error.message}`);
    throw error;
  }
}

/** A name for a new user. Throws RequestError 400. */
export function newUsername(config: Config, who: UsernameData, env: Environment): string {
  try {
    return makeUsername(config, who, env);
  } catch (error) {
    if (error instanceof NameTemplateError) throw invalid(`failed to generate username: ${error.message}`);
    throw error;
  }
}
