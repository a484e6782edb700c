import { invalid } from "@coffer/state-machine";
import type { TokenRole } from "./role.js";

/** Which policies a new token gets. */
export interface PolicyQuestion {
  /** As asked for; undefined or empty: the role's, or the parent's. */
  readonly asked: readonly string[] | undefined;
  readonly noDefaultPolicy: boolean;
  readonly parentPolicies: readonly string[];
  /** The parent may hand out what it does not have itself (but for root). */
  readonly isSudo: boolean;
  readonly role?: PolicyRules;
}

/** A role with any of these lists sets the bounds itself, whatever the parent has. */
export type PolicyRules = Pick<TokenRole, "allowedPolicies" | "allowedPoliciesGlob" | "disallowedPolicies" | "disallowedPoliciesGlob" | "tokenNoDefaultPolicy">;

/** Given to tokens by the system only. */
const NOT_ASSIGNABLE = ["response-wrapping", "control-group"];

/** Sorted, without duplicates. Throws RequestError 400 where the parent or the role may not hand a policy out. */
export function policiesForToken(question: PolicyQuestion): string[] {
  const { noDefaultPolicy, parentPolicies, role } = question;
  const named = role && setsBounds(role) ? withinRole(question, role) : withinParent(question);
  if (named.includes("root")) {
    if (!parentPolicies.includes("root")) throw invalid("root tokens may not be created without parent token being root");
    return ["root"];
  }
  const policies = new Set(named);
  if (noDefaultPolicy) policies.delete("default");
  for (const name of NOT_ASSIGNABLE) if (policies.has(name)) throw invalid(`cannot assign policy ${JSON.stringify(name)}`);
  return [...policies].sort();
}

function withinParent({ asked = [], parentPolicies, isSudo, role }: PolicyQuestion): string[] {
  // Who inherits gets what the parent has, and no more.
  if (asked.length === 0) return normalized(parentPolicies);
  const named = normalized(asked);
  if (!isSudo && !named.every((name) => parentPolicies.includes(name))) throw invalid("child policies must be subset of parent");
  return !role?.tokenNoDefaultPolicy && (isSudo || parentPolicies.includes("default")) ? withDefault(named) : named;
}

function setsBounds({ allowedPolicies, allowedPoliciesGlob, disallowedPolicies, disallowedPoliciesGlob }: PolicyRules): boolean {
  return [allowedPolicies, allowedPoliciesGlob, disallowedPolicies, disallowedPoliciesGlob].some((list) => list.length > 0);
}

function withinRole({ asked = [], noDefaultPolicy, parentPolicies }: PolicyQuestion, role: PolicyRules): string[] {
  const isDisallowed = (name: string) => role.disallowedPolicies.includes(name) || matchesAny(role.disallowedPoliciesGlob, name);
  const addsDefault = !noDefaultPolicy && !role.tokenNoDefaultPolicy && !isDisallowed("default");
  const sanitized = (names: readonly string[]) => (addsDefault ? withDefault(normalized(names)) : normalized(names));
  const isBounded = role.allowedPolicies.length > 0 || role.allowedPoliciesGlob.length > 0;
  const allowed = sanitized(role.allowedPolicies);
  const named = asked.length > 0 ? sanitized(asked) : isBounded ? allowed : sanitized(parentPolicies);
  if (isBounded && !named.every((name) => allowed.includes(name) || matchesAny(role.allowedPoliciesGlob, name))) {
    throw invalid(`token policies (${quoted(named)}) must be subset of the role's allowed policies (${quoted(allowed)}) or glob policies (${quoted(role.allowedPoliciesGlob)})`);
  }
  const barred = named.find(isDisallowed);
  if (barred !== undefined) throw invalid(`token policy ${JSON.stringify(barred)} is disallowed by this role`);
  return named;
}

/** root stands alone. */
function withDefault(names: readonly string[]): string[] {
  return names.includes("root") ? ["root"] : [...new Set([...names, "default"])].sort();
}

function normalized(names: readonly string[]): string[] {
  const known = [...new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ""))].sort();
  return known.includes("root") ? ["root"] : known;
}

/** `*` stands for any text, wherever it is. */
export function matchesAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => new RegExp(`^${glob.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join(".*")}$`, "s").test(text));
}

const quoted = (names: readonly string[]) => `[${names.map((name) => JSON.stringify(name)).join(" ")}]`;
