import type { OperationName } from "../framework/engine.js";
import type { Capability, ParameterRules, ParsedPolicy, PathRule } from "./parse.js";
import { resolveTemplate } from "./template.js";

/** The rules of all policies that name one path, merged. */
interface Permission {
  readonly path: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly allowed: ReadonlyMap<string, readonly unknown[]> | undefined;
  readonly denied: ReadonlyMap<string, readonly unknown[]> | undefined;
  readonly required: readonly string[];
  readonly minWrappingTtl: number | undefined;
  readonly maxWrappingTtl: number | undefined;
  readonly mfaMethods: readonly string[];
  readonly hasControlGroup: boolean;
  readonly policies: readonly string[];
}

export interface AclQuestion {
  readonly path: string;
  readonly operation: OperationName;
  /** For writes: whether the thing is there already (update) or not (create). Asked only when it decides. */
  readonly exists: () => boolean;
  readonly body: Readonly<Record<string, unknown>>;
  readonly wrapTtlSeconds: number;
}

export interface AclAnswer {
  readonly allowed: boolean;
  /** Also holds the sudo capability. */
  readonly sudo: boolean;
  readonly mfaMethods: readonly string[];
  readonly hasControlGroup: boolean;
  readonly grantingPolicies: readonly string[];
}

export interface Acl {
  readonly isRoot: boolean;
  check(question: AclQuestion): AclAnswer;
  /** As sys/capabilities lists them: `["root"]`, `["deny"]`, or sorted names. */
  capabilities(path: string): string[];
  /** Whether any rule that grants something concerns a path at or below this one (which ends in `/`). */
  mayReach(prefix: string): boolean;
  /** The rules, as sys/internal/ui/resultant-acl shows them. */
  resultant(): Readonly<Record<string, unknown>>;
}

const DENIED: AclAnswer = Object.freeze({ allowed: false, sudo: false, mfaMethods: [], hasControlGroup: false, grantingPolicies: [] });
const ROOT_ANSWER: AclAnswer = Object.freeze({ allowed: true, sudo: true, mfaMethods: [], hasControlGroup: false, grantingPolicies: ["root"] });
const ROOT_ACL: Acl = { isRoot: true, check: () => ROOT_ANSWER, capabilities: () => ["root"], mayReach: () => true, resultant: () => ({ root: true }) };
/** Order in which capabilities are shown. */
const SHOWN: readonly Capability[] = ["create", "delete", "list", "patch", "read", "recover", "scan", "sudo", "update"];

/** The first moment after `now` at which one of the rules ends, and so another ACL comes of these policies. Milliseconds since 1970. */
export function aclEnds(policies: readonly ParsedPolicy[], now: number): number {
  return Math.min(...policies.flatMap(({ rules }) => rules.map(({ expiresAt = Infinity }) => (expiresAt > now ? expiresAt : Infinity))), Infinity);
}

/**
 * What policies grant at `now` (milliseconds since 1970). `resolve` fills the templates of a path; undefined: it names no path, and
 * so neither grants nor denies.
 */
export function compileAcl(policies: readonly ParsedPolicy[], now: number, resolve: (path: string) => string | undefined = (path) => resolveTemplate(path, undefined)): Acl {
  if (policies.some((policy) => policy.name === "root")) return ROOT_ACL;
  const exact = new Map<string, Permission>();
  const prefixes = new Map<string, Permission>();
  const segmented: { pattern: string; segments: readonly string[]; isPrefix: boolean; permission: Permission }[] = [];
  for (const [path, rules] of groupByPath(policies, now, resolve)) {
    const permission = merge(path, rules);
    const isPrefix = path.endsWith("*");
    const pattern = isPrefix ? path.slice(0, -1) : path;
    if (path.split("/").includes("+")) segmented.push({ pattern: path, segments: pattern.split("/"), isPrefix, permission });
    else if (isPrefix) prefixes.set(pattern, permission);
    else exact.set(path, permission);
  }
  segmented.sort((a, b) => comparePriority(b.pattern, a.pattern));

  /** A list's slash is looked at first, and then looked over. */
  function find(path: string, isList: boolean): Permission | undefined {
    const direct = exact.get(path) ?? (isList ? exact.get(path.endsWith("/") ? path.slice(0, -1) : `${path}/`) : undefined);
    return direct ?? byPattern(path) ?? (isList && path.endsWith("/") ? byPattern(path.slice(0, -1)) : undefined);
  }

  function byPattern(path: string): Permission | undefined {
    const byPrefix = longestPrefix(path);
    const bySegments = segmented.find(({ segments, isPrefix }) => matchesSegments(path, segments, isPrefix));
    if (!byPrefix) return bySegments?.permission;
    if (!bySegments) return byPrefix;
    return comparePriority(bySegments.pattern, byPrefix.path) > 0 ? bySegments.permission : byPrefix;
  }

  function longestPrefix(path: string): Permission | undefined {
    for (let length = path.length; length >= 0; length--) {
      const found = prefixes.get(path.slice(0, length));
      if (found) return found;
    }
    return undefined;
  }

  return {
    isRoot: false,
    check(question) {
      const permission = find(question.path, question.operation === "list" || question.operation === "scan");
      if (!permission || permission.capabilities.has("deny")) return DENIED;
      if (!hasCapability(permission, question) || !parametersFit(permission, question) || !wrappingFits(permission, question)) return DENIED;
      return { allowed: true, sudo: permission.capabilities.has("sudo"), mfaMethods: permission.mfaMethods, hasControlGroup: permission.hasControlGroup, grantingPolicies: permission.policies };
    },
    capabilities(path) {
      const permission = find(path, path.endsWith("/"));
      if (!permission || permission.capabilities.has("deny") || permission.capabilities.size === 0) return ["deny"];
      return SHOWN.filter((one) => permission.capabilities.has(one));
    },
    mayReach(prefix) {
      const grants = ({ capabilities }: Permission) => capabilities.size > 0 && !capabilities.has("deny");
      for (const [path, permission] of exact) if (grants(permission) && `${path}/`.startsWith(prefix)) return true;
      for (const [path, permission] of prefixes) if (grants(permission) && (path.startsWith(prefix) || prefix.startsWith(path))) return true;
      return segmented.some(({ segments, permission }) => grants(permission) && prefix.split("/").slice(0, -1).every((segment, i) => segments[i] === undefined || segments[i] === "+" || segment === segments[i] || (i === segments.length - 1 && segment.startsWith(segments[i]!))));
    },
    resultant() {
      const shown = (rules: ReadonlyMap<string, Permission>) => Object.fromEntries([...rules].map(([path, { capabilities }]) => [path, { capabilities: SHOWN.filter((one) => capabilities.has(one)).concat(capabilities.has("deny") ? ["deny"] : []) }]));
      return { root: false, exact_paths: shown(exact), glob_paths: shown(prefixes) };
    },
  };
}

function groupByPath(policies: readonly ParsedPolicy[], now: number, resolve: (path: string) => string | undefined): Map<string, { rule: PathRule; policy: string }[]> {
  const groups = new Map<string, { rule: PathRule; policy: string }[]>();
  for (const policy of policies) {
    for (const rule of policy.rules) {
      if (rule.expiresAt !== undefined && rule.expiresAt <= now) continue;
      const path = policy.isTemplated ? resolve(rule.path) : rule.path;
      if (path === undefined) continue;
      const group = groups.get(path);
      if (group) group.push({ rule, policy: policy.name });
      else groups.set(path, [{ rule, policy: policy.name }]);
    }
  }
  return groups;
}

/** Vault's merging of equal paths: deny wins, capabilities add up, value lists add up and an empty one means any. */
function merge(path: string, rules: readonly { rule: PathRule; policy: string }[]): Permission {
  const all = rules.map(({ rule }) => rule);
  const isDenied = all.some((rule) => rule.capabilities.includes("deny"));
  const lowest = (values: (number | undefined)[]) => values.reduce((low, value) => (value === undefined ? low : low === undefined ? value : Math.min(low, value)), undefined);
  return {
    path,
    capabilities: new Set(isDenied ? ["deny"] : all.flatMap((rule) => rule.capabilities)),
    allowed: mergeParameters(all.map((rule) => rule.allowedParameters)),
    denied: mergeParameters(all.map((rule) => rule.deniedParameters)),
    required: [...new Set(all.flatMap((rule) => rule.requiredParameters))],
    minWrappingTtl: lowest(all.map((rule) => rule.minWrappingTtl)),
    maxWrappingTtl: lowest(all.map((rule) => rule.maxWrappingTtl)),
    mfaMethods: [...new Set(all.flatMap((rule) => rule.mfaMethods))],
    hasControlGroup: all.some((rule) => rule.hasControlGroup),
    policies: [...new Set(rules.map(({ policy }) => policy))],
  };
}

function mergeParameters(all: readonly (ParameterRules | undefined)[]): ReadonlyMap<string, readonly unknown[]> | undefined {
  const given = all.filter((one) => one !== undefined);
  if (given.length === 0) return undefined;
  const merged = new Map<string, readonly unknown[]>();
  for (const rules of given) {
    for (const [name, values] of Object.entries(rules)) {
      const before = merged.get(name);
      merged.set(name, before === undefined ? values : before.length === 0 || values.length === 0 ? [] : [...before, ...values]);
    }
  }
  return merged;
}

/** Positive when `a` is the more specific pattern (Vault docs, "Policies", priority rules 1 to 5). */
function comparePriority(a: string, b: string): number {
  const wildcardAt = (pattern: string) => {
    const plus = pattern.search(/(?<=^|\/)\+(?=\/|$)/);
    const first = [plus < 0 ? Infinity : plus, pattern.endsWith("*") ? pattern.length - 1 : Infinity];
    return Math.min(...first);
  };
  const [firstA, firstB] = [wildcardAt(a), wildcardAt(b)];
  if (firstA !== firstB) return firstA - firstB;
  if (a.endsWith("*") !== b.endsWith("*")) return a.endsWith("*") ? -1 : 1;
  const plusses = (pattern: string) => pattern.split("/").filter((segment) => segment === "+").length;
  if (plusses(a) !== plusses(b)) return plusses(b) - plusses(a);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function matchesSegments(path: string, pattern: readonly string[], isPrefix: boolean): boolean {
  const segments = path.split("/");
  if (isPrefix ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  return pattern.every((wanted, i) => {
    const segment = segments[i]!;
    if (wanted === "+") return true;
    return isPrefix && i === pattern.length - 1 ? segment.startsWith(wanted) : segment === wanted;
  });
}

function hasCapability({ capabilities }: Permission, { operation, exists }: AclQuestion): boolean {
  switch (operation) {
    case "update": {
      const [create, update] = [capabilities.has("create"), capabilities.has("update")];
      return create === update ? create : exists() ? update : create;
    }
    default:
      return capabilities.has(operation);
  }
}

function parametersFit({ allowed, denied, required }: Permission, { operation, body }: AclQuestion): boolean {
  if (operation !== "update" && operation !== "patch") return true;
  // Pairs, not a map: a name sent in two spellings is judged twice.
  const given = Object.entries(body).map(([name, value]) => [name.toLowerCase(), value] as const);
  if (!required.every((name) => given.some(([sent]) => sent === name))) return false;
  if (given.length === 0) return true;
  if (denied) {
    if (denied.has("*")) return false;
    for (const [name, value] of given) {
      const values = denied.get(name);
      if (values && (values.length === 0 || values.some((pattern) => valueMatches(pattern, value)))) return false;
    }
  }
  if (!allowed || allowed.size === 0) return true;
  const allowsOthers = allowed.has("*");
  for (const [name, value] of given) {
    const values = allowed.get(name);
    if (!values && !allowsOthers) return false;
    if (values && values.length > 0 && !values.some((pattern) => valueMatches(pattern, value))) return false;
  }
  return true;
}

/** Strings match with `*` at either end of some text (a `*` alone is that letter, as in Vault); everything else by value. */
function valueMatches(pattern: unknown, value: unknown): boolean {
  if (typeof pattern === "string" && typeof value === "string") {
    if (pattern.length < 2) return value === pattern;
    const [starts, ends] = [pattern.endsWith("*"), pattern.startsWith("*")];
    const core = pattern.slice(ends ? 1 : 0, starts ? -1 : undefined);
    if (starts && ends) return value.includes(core);
    if (starts) return value.startsWith(core);
    return ends ? value.endsWith(core) : value === pattern;
  }
  return JSON.stringify(pattern) === JSON.stringify(value);
}

function wrappingFits({ minWrappingTtl, maxWrappingTtl }: Permission, { wrapTtlSeconds }: AclQuestion): boolean {
  if (minWrappingTtl !== undefined && wrapTtlSeconds < minWrappingTtl) return false;
  // A maximum demands wrapping, as a minimum does.
  return maxWrappingTtl === undefined || (wrapTtlSeconds > 0 && wrapTtlSeconds <= maxWrappingTtl);
}
