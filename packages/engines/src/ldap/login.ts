import { invalid } from "@coffer/state-machine";
import type { ReadStorage, RoleTokens } from "@coffer/state-machine";
import { foldedName, getConfig, getGroup, getUser } from "./storage.js";

/** Longer ones are no names; servers refuse them in their own ways. */
const MAX_USERNAME_LENGTH = 1024;

export interface LdapLogin {
  readonly alias: string;
  readonly groups: readonly string[];
  /** Of those groups and of the user, as far as they are known here. */
  readonly policies: readonly string[];
}

/** The name that counts: some servers pass over spaces around it, and most over its case. */
export function loginName(storage: ReadStorage, username: string): string {
  return foldedName(storage, username.trim());
}

/** Throws RequestError 400. `username` is what `loginName` gave. */
export async function logIn(storage: ReadStorage, username: string, password: string): Promise<LdapLogin> {
  const { settings } = getConfig(storage);
  if (username === "") throw invalid("missing username");
  if (username.length > MAX_USERNAME_LENGTH) throw invalid(`the username is longer than ${MAX_USERNAME_LENGTH} characters`);
  if (settings.deny_null_bind && password === "") throw invalid("password cannot be of zero length when passwordless binds are being denied");
  const { authenticate } = await import("./directory.js");
  const { alias, groups: found } = await authenticate(settings, username, password);
  const user = getUser(storage, username);
  const groups = [...new Set([...(user?.groups ?? []), ...found])];
  const policies = groups.flatMap((name) => getGroup(storage, name)?.policies ?? []);
  return { alias, groups, policies: [...new Set([...policies, ...(user?.policies ?? [])])].sort() };
}

/** What a renewal goes by: those of the configuration too. */
export function heldPolicies({ parameters }: RoleTokens, { policies }: Pick<LdapLogin, "policies">): readonly string[] {
  return [...new Set([...parameters.token_policies, ...policies])].sort();
}
