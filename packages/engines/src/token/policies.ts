import { invalid } from "@coffer/state-machine";

/** Which policies a new token gets. */
export interface PolicyQuestion {
  /** As asked for; undefined or empty: the parent's. */
  readonly asked: readonly string[] | undefined;
  readonly noDefaultPolicy: boolean;
  readonly parentPolicies: readonly string[];
  /** The parent may hand out what it does not have itself (but for root). */
  readonly isSudo: boolean;
}

/** Given to tokens by the system only. */
const NOT_ASSIGNABLE = ["response-wrapping", "control-group"];

/** Sorted, without duplicates. Throws RequestError 400 where the parent may not hand a policy out. */
export function policiesForToken({ asked, noDefaultPolicy, parentPolicies, isSudo }: PolicyQuestion): string[] {
  const isInherited = asked === undefined || asked.length === 0;
  const named = normalized(isInherited ? parentPolicies : asked);
  if (!isInherited && !isSudo && !named.every((name) => parentPolicies.includes(name))) throw invalid("child policies must be subset of parent");
  if (named.includes("root")) {
    if (!parentPolicies.includes("root")) throw invalid("root tokens may not be created without parent token being root");
    return ["root"];
  }
  const policies = new Set(named);
  // Who inherits gets what the parent has, and no more.
  if (!isInherited && (isSudo || parentPolicies.includes("default"))) policies.add("default");
  if (noDefaultPolicy) policies.delete("default");
  for (const name of NOT_ASSIGNABLE) if (policies.has(name)) throw invalid(`cannot assign policy ${JSON.stringify(name)}`);
  return [...policies].sort();
}

function normalized(names: readonly string[]): string[] {
  return names.map((name) => name.trim().toLowerCase()).filter((name) => name !== "");
}
