import type { MountEntry } from "@coffer/state-machine";

/** A login's display name: `jwt-ann` for ann on `auth/jwt/`. */
export function displayName({ path }: MountEntry, name: string): string {
  return `${path.replaceAll("/", "-")}${name}`.replace(/-$/, "");
}
