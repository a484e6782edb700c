import type { Identity } from "../identity/index.js";
import { fillTemplate } from "../policy/index.js";
import type { Naming } from "./asked-config.js";

/**
 * How an entity is called at somebody else's: the format's `{{alias.name}}`, `{{alias.metadata.KEY}}`, `{{entity.name}}` and
 * `{{entity.metadata.KEY}}`, or policies' `{{identity.entity.…}}`. Undefined where one of them has no value.
 */
export function usernameOf({ mountAccessor, usernameFormat }: Naming, identity: Identity): string | undefined {
  const alias = identity.entity.aliases.find((one) => one.mountAccessor === mountAccessor);
  if (mountAccessor !== "" && !alias) return undefined;
  if (usernameFormat === "") return alias?.name ?? identity.entity.name;
  return fillTemplate(usernameFormat, (selector) => (selector.startsWith("alias.") ? `identity.entity.aliases.${mountAccessor}.${selector.slice("alias.".length)}` : selector.startsWith("entity.") ? `identity.${selector}` : selector), identity);
}
