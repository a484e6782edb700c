import type { ReadStorage } from "../framework/storage.js";
import { deletePolicy, getPolicy, listPolicies, putPolicy } from "../policy/index.js";
import type { PolicyStore } from "./rooms.js";

/** The policy room as sys/ uses it. */
export const policyStore: PolicyStore = {
  list: listPolicies,
  read: getPolicy,
  write: putPolicy,
  remove: deletePolicy,
};

const SHOWN = 20;

/**
 * For whoever moves a mount: the policies that name its old path, which still say what they said. They are not rewritten: a
 * policy is somebody's text, often kept elsewhere and written again from there.
 */
export async function policiesNaming(storage: ReadStorage, mountPath: string): Promise<readonly string[]> {
  const names = (await listPolicies(storage)).filter((name) => getPolicy(storage, name)?.rules.some(({ path }) => `${path}/`.startsWith(mountPath)) ?? false);
  if (names.length === 0) return [];
  const rest = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return [`Policies are not changed by a move. These name paths below ${JSON.stringify(mountPath)}: ${names.slice(0, SHOWN).join(", ")}${rest}`];
}
