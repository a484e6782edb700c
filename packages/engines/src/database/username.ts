import { invalid } from "@coffer/state-machine";
import type { Environment } from "@coffer/state-machine";
import { text } from "./details.js";
import { PLUGINS } from "./plugins.js";
import type { DatabaseConfig } from "./storage.js";
import { TemplateError } from "./template-functions.js";
import { generateUsername } from "./username-template.js";
import type { UsernameData } from "./username-template.js";

type Config = Pick<DatabaseConfig, "plugin_name" | "connection_details">;

function templateOf({ plugin_name, connection_details }: Config): string {
  const plugin = PLUGINS.get(plugin_name)!;
  const own = text(connection_details, "username_template");
  if (own !== "" && !plugin.customUsernames) throw invalid(`error creating database object: ${plugin_name} has no username_template`);
  return own || plugin.usernameTemplate;
}

/** Throws RequestError 400 for a template that makes no name, whoever asks. */
export function checkUsernameTemplate(config: Config, env: Environment): void {
  try {
    generateUsername(templateOf(config), { DisplayName: "", RoleName: "" }, env);
  } catch (error) {
    if (error instanceof TemplateError) throw invalid(`error creating database object: unable to initialize username template: ${error.message}`);
    throw error;
  }
}

/** A name for a new user. Throws RequestError 400. */
export function newUsername(config: Config, who: UsernameData, env: Environment): string {
  try {
    return generateUsername(templateOf(config), who, env);
  } catch (error) {
    if (error instanceof TemplateError) throw invalid(`failed to generate username: ${error.message}`);
    throw error;
  }
}
