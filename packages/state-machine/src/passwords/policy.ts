import { HclError, parseHcl, readBody } from "@coffer/hcl";
import { invalid } from "../errors.js";

/**
 * Rules for generated passwords, as Vault's password policies have them (https://developer.hashicorp.com/vault/docs/concepts/password-policies):
 *
 *     length = 20
 *     rule "charset" {
 *       charset   = "abcdefghijklmnopqrstuvwxyz"
 *       min-chars = 1
 *     }
 */
export interface PasswordPolicy {
  /** Characters. */
  readonly length: number;
  readonly rules: readonly CharsetRule[];
}

export interface CharsetRule {
  /** Unicode characters. One that is named twice counts once. */
  readonly charset: readonly string[];
  readonly minChars: number;
}

const MIN_LENGTH = 4;
const MAX_LENGTH = 100;
/** As in Vault, which picks characters by a byte. */
const MAX_CHARACTERS = 256;
/** Control characters, unassigned and private ones, separators; the space is printable. */
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

const charset = (text: string): readonly string[] => [...new Set(text)];

/** What passwords are made with where no policy is named: 20 letters, digits and hyphens, of each kind at least one. */
export const DEFAULT_PASSWORD_POLICY: PasswordPolicy = Object.freeze({
  length: 20,
  rules: ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "-"].map((text) => ({ charset: charset(text), minChars: 1 })),
});

/** Throws RequestError 400 for what is no policy, or one that no password can meet. */
export function parsePasswordPolicy(text: string): PasswordPolicy {
  let policy: PasswordPolicy;
  try {
    policy = readPolicy(text);
  } catch (error) {
    if (error instanceof HclError) throw invalid(`invalid password policy: ${error.problem} (line ${error.at.line})`);
    throw error;
  }
  const problems = problemsOf(policy);
  if (problems.length > 0) throw invalid(`invalid password policy: ${problems.length === 1 ? "1 error" : `${problems.length} errors`} occurred:\n${problems.map((problem) => `\t* ${problem}\n`).join("")}\n`);
  if (policy.length < MIN_LENGTH || policy.length > MAX_LENGTH) throw invalid(`passwords must be between ${MIN_LENGTH} and ${MAX_LENGTH} characters`);
  return policy;
}

function readPolicy(text: string): PasswordPolicy {
  const body = readBody(parseHcl(text, "policy"));
  const length = body.int("length") ?? 0;
  const rules = body.blocks("rule", 1).map(({ labels: [kind = ""], body: rule, fail }) => {
    if (kind !== "charset") return fail(`unable to parse rules: unable to parse rule ${kind}: unrecognized rule type ${kind}`);
    const read: CharsetRule = { charset: charset(rule.string("charset") ?? ""), minChars: rule.int("min-chars") ?? 0 };
    rule.end();
    return read;
  });
  body.end();
  return { length, rules };
}

function problemsOf({ length, rules }: PasswordPolicy): readonly string[] {
  const problems: string[] = [];
  const needed = rules.reduce((sum, { minChars }) => sum + Math.max(0, minChars), 0);
  if (length <= 0) problems.push("length must be > 0");
  else if (length < needed) problems.push(`specified rules require at least ${needed} characters but ${length} is specified`);
  const characters = charactersOf(rules);
  if (characters.length === 0) problems.push("no charset specified");
  if (rules.some(({ charset: own, minChars }) => own.length === 0 && minChars > 0)) problems.push("a rule asks for characters of an empty charset");
  if (characters.some((one) => one !== " " && UNPRINTABLE.test(one))) problems.push("non-printable character in charset");
  if (characters.length > MAX_CHARACTERS) problems.push(`charset is too long: limited to ${MAX_CHARACTERS} characters`);
  return problems;
}

/** Each character of any rule once. */
export function charactersOf(rules: readonly CharsetRule[]): readonly string[] {
  return [...new Set(rules.flatMap(({ charset: own }) => own))].sort();
}
