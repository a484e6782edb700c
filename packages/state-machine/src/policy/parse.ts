import { HclError, parseHcl, readBody } from "@coffer/hcl";
import type { BlockReader, BodyReader, Value } from "@coffer/hcl";
import { invalid } from "../errors.js";
import { isBalanced } from "./template.js";

export const CAPABILITIES = ["create", "read", "update", "delete", "list", "scan", "sudo", "deny", "patch", "recover", "subscribe"] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Allowed or denied values of one parameter; an empty list means any. */
export type ParameterRules = Readonly<Record<string, readonly unknown[]>>;

/** One `path "…" { … }` of a policy. */
export interface PathRule {
  /** Without a leading slash; may hold `+` segments and end in `*`. */
  readonly path: string;
  readonly capabilities: readonly Capability[];
  readonly allowedParameters: ParameterRules | undefined;
  readonly deniedParameters: ParameterRules | undefined;
  readonly requiredParameters: readonly string[];
  /** Seconds. */
  readonly minWrappingTtl: number | undefined;
  readonly maxWrappingTtl: number | undefined;
  readonly mfaMethods: readonly string[];
  readonly hasControlGroup: boolean;
  /** Milliseconds since 1970, from which on the rule grants and denies nothing; undefined: it stays. */
  readonly expiresAt: number | undefined;
}

export interface ParsedPolicy {
  readonly name: string;
  readonly text: string;
  readonly rules: readonly PathRule[];
  /** Whether what it grants depends on who asks. */
  readonly isTemplated: boolean;
}

/** `policy = "read"` of Vault's first days. */
const LEGACY: Readonly<Record<string, readonly Capability[]>> = {
  deny: ["deny"],
  read: ["read", "list"],
  write: ["create", "read", "update", "delete", "list"],
  sudo: ["create", "read", "update", "delete", "list", "sudo"],
};

/** Throws RequestError 400 that names line and column. */
export function parsePolicy(name: string, text: string): ParsedPolicy {
  try {
    const reader = readBody(parseHcl(text, name));
    reader.ignore("name");
    const rules = reader.blocks("path", 1).map((block) => pathRule(block, name));
    reader.end();
    return { name, text, rules, isTemplated: rules.some(({ path }) => path.includes("{{")) };
  } catch (error) {
    if (error instanceof HclError) throw invalid(`failed to parse policy: ${error.problem} (line ${error.at.line}, column ${error.at.column})`);
    throw error;
  }
}

function pathRule(block: BlockReader, file: string): PathRule {
  const { body: reader } = block;
  const label = block.labels[0];
  if (label === undefined || block.labels.length !== 1) throw new HclError(file, block.at, 'a path block takes one path: path "secret/*" { … }');
  const path = label.startsWith("/") ? label.slice(1) : label;
  if (path.includes("+*")) throw new HclError(file, block.at, `path ${JSON.stringify(label)}: invalid use of wildcards ('+*' is forbidden)`);
  if (!isBalanced(path)) throw new HclError(file, block.at, `path ${JSON.stringify(label)}: unbalanced templating characters`);
  const legacy = reader.string("policy");
  if (legacy !== undefined && !(legacy in LEGACY)) reader.fail("policy", `path ${JSON.stringify(label)}: invalid policy ${JSON.stringify(legacy)}`);
  const capabilities = new Set<Capability>(legacy === undefined ? [] : LEGACY[legacy]);
  for (const capability of reader.strings("capabilities") ?? []) {
    if (!(CAPABILITIES as readonly string[]).includes(capability)) reader.fail("capabilities", `path ${JSON.stringify(label)}: invalid capability ${JSON.stringify(capability)}; known are ${CAPABILITIES.join(", ")}`);
    capabilities.add(capability as Capability);
  }
  const minWrappingTtl = wrappingTtl(reader.durationSeconds("min_wrapping_ttl"));
  const maxWrappingTtl = wrappingTtl(reader.durationSeconds("max_wrapping_ttl"));
  if (minWrappingTtl && maxWrappingTtl && maxWrappingTtl < minWrappingTtl) reader.fail("max_wrapping_ttl", "max_wrapping_ttl cannot be less than min_wrapping_ttl");
  const rule: PathRule = {
    path,
    capabilities: capabilities.has("deny") ? ["deny"] : [...capabilities],
    allowedParameters: parameterRules(reader, "allowed_parameters"),
    deniedParameters: parameterRules(reader, "denied_parameters"),
    requiredParameters: (reader.strings("required_parameters") ?? []).map((one) => one.toLowerCase()),
    minWrappingTtl,
    maxWrappingTtl,
    mfaMethods: reader.strings("mfa_methods") ?? [],
    hasControlGroup: reader.blocks("control_group").length > 0,
    expiresAt: expiry(reader),
  };
  // Whoever narrows a list by these must not be given all of it.
  for (const name of ["pagination_limit", "list_scan_response_keys_filter_path"]) if (reader.items(name).length > 0) reader.fail(name, `path ${JSON.stringify(label)}: ${name} is not supported`);
  reader.ignore("comment", "subscribe_event_types");
  reader.end();
  return rule;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const MS = 1000;

/** RFC 3339, or seconds since 1970. */
function expiry(reader: BodyReader): number | undefined {
  const text = reader.string("expiration");
  if (text === undefined || text === "") return undefined;
  const time = /^\d{1,15}$/.test(text) ? Number(text) * MS : RFC_3339.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? reader.fail("expiration", `invalid expiration ${JSON.stringify(text)}: it takes a time such as "2030-01-31T12:00:00Z", or seconds since 1970`) : time;
}

function wrappingTtl(seconds: number | undefined): number | undefined {
  return seconds === undefined || seconds === 0 ? undefined : seconds;
}

function parameterRules(reader: BodyReader, name: string): ParameterRules | undefined {
  const body = reader.object(name);
  if (!body) return undefined;
  return Object.fromEntries(body.items.map((item) => {
    if (item.kind === "block" || item.value.kind !== "list") throw new HclError(body.file, item.at, `${name}.${item.name} takes a list of values ([] for any)`);
    return [item.name.toLowerCase(), item.value.items.map(plainValue)];
  }));
}

function plainValue(value: Value): unknown {
  switch (value.kind) {
    case "list":
      return value.items.map(plainValue);
    case "object":
      return Object.fromEntries(value.body.items.map((item) => [item.name, item.kind === "attribute" ? plainValue(item.value) : {}]));
    case "null":
      return null;
    default:
      return value.value;
  }
}

