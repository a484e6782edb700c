import type { Mount } from "../framework/engine.js";

/** The display name of a token from a login: where the method is mounted, and who logged in, as `userpass-alice`. */
export function loginDisplayName({ entry }: Pick<Mount, "entry">, who = ""): string {
  return `${entry.path.replaceAll("/", "-")}${who}`.replace(/-$/, "");
}
