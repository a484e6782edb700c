import { parseDuration } from "@coffer/client";
// yargs' own parser, without the rest of yargs, which takes longer to load than all else that a command needs.
import parseWords from "yargs-parser";
import { Failure } from "./failure.js";

/** What a flag takes. `list` may be repeated; `map` is k=v and may be repeated. */
export type FlagKind = "string" | "bool" | "int" | "duration" | "list" | "map";

export type Flag = { readonly name: string; readonly kind: FlagKind; readonly help: string; readonly env?: string; readonly hidden?: true };

export type FlagValues = {
  has(name: string): boolean;
  string(name: string): string;
  bool(name: string): boolean;
  int(name: string, fallback?: number): number;
  /** Seconds. */
  duration(name: string, fallback?: number): number;
  list(name: string): readonly string[];
  map(name: string): Readonly<Record<string, string>>;
};

export type Parsed = { readonly flags: FlagValues; readonly args: readonly string[]; readonly warning: string | undefined; readonly help: boolean };

/**
 * Flags as Vault's users type them: one dash or two, `-field=x` or `-field x`. A flag that is known counts wherever it
 * stands; one that is not, after the first positional argument, is left as an argument (a value may begin with a dash).
 * `flagsFirst`: nothing behind the first positional argument is a flag.
 */
export function parseFlags(argv: readonly string[], declared: readonly Flag[], env: Readonly<Record<string, string | undefined>>, flagsFirst = false): Parsed {
  const known = new Map(declared.map((flag) => [flag.name, flag]));
  const { tokens, leftovers, help } = normalise(argv, known, flagsFirst);
  const parsed = parseWords(tokens, {
    string: declared.map((flag) => flag.name),
    configuration: {
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "dot-notation": false,
      "camel-case-expansion": false,
      "boolean-negation": false,
      "duplicate-arguments-array": true,
      "unknown-options-as-args": true,
      "populate--": true,
    },
  });
  const given = new Map<string, readonly string[]>();
  for (const flag of declared) {
    const value: unknown = parsed[flag.name];
    if (value !== undefined) given.set(flag.name, (Array.isArray(value) ? value : [value]).map(String));
    else if (flag.env !== undefined && (env[flag.env] ?? "") !== "") given.set(flag.name, [env[flag.env] ?? ""]);
  }
  const rest = (parsed["--"] as readonly (string | number)[] | undefined) ?? [];
  return {
    flags: typedValues(known, given),
    args: [...parsed._, ...rest].map(String),
    warning: leftovers.length === 0 ? undefined : trailingWarning(leftovers),
    help,
  };
}

/** Rewrites every known flag to `--name=value`, so that what follows has no doubt which words are values. */
function normalise(argv: readonly string[], known: ReadonlyMap<string, Flag>, flagsFirst: boolean): { tokens: string[]; leftovers: string[]; help: boolean } {
  const tokens: string[] = [];
  const positional: string[] = [];
  const leftovers: string[] = [];
  let help = false;
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (word === "--" || (flagsFirst && !word.startsWith("-"))) {
      positional.push(...argv.slice(word === "--" ? index + 1 : index));
      break;
    }
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word);
    const name = match?.[1] ?? "";
    const flag = known.get(name);
    if (match === null) positional.push(word);
    else if (name === "h" || name === "help") help = true;
    else if (flag === undefined) {
      if (positional.length === 0) throw new Failure(`flag provided but not defined: -${name}`);
      positional.push(word);
      leftovers.push(word);
    } else if (match[2] !== undefined) tokens.push(`--${name}=${match[2]}`);
    else if (flag.kind === "bool") tokens.push(`--${name}=true`);
    else if (index + 1 < argv.length) tokens.push(`--${name}=${argv[++index] ?? ""}`);
    else throw new Failure(`flag needs an argument: -${name}`);
  }
  return { tokens: [...tokens, "--", ...positional], leftovers, help };
}

function trailingWarning(leftovers: readonly string[]): string {
  return `Command flags must be provided before positional arguments. The following arguments will not be parsed as flags: [${leftovers.join(",")}]`;
}

function typedValues(known: ReadonlyMap<string, Flag>, given: ReadonlyMap<string, readonly string[]>): FlagValues {
  // A misspelt number should stop the command before anything is sent, whether or not the command gets to read it.
  for (const [name, values] of given) for (const value of values) check(known.get(name), value);
  const last = (name: string): string | undefined => given.get(name)?.at(-1);
  return {
    has: (name) => given.has(name),
    string: (name) => last(name) ?? "",
    bool: (name) => /^(1|t|true)$/i.test(last(name) ?? ""),
    int: (name, fallback = 0) => (given.has(name) ? Number(last(name)) : fallback),
    duration: (name, fallback = 0) => (given.has(name) ? (parseDuration(last(name) ?? "") ?? fallback) : fallback),
    list: (name) => (given.get(name) ?? []).map((value) => value.trim()),
    map: (name) => Object.fromEntries((given.get(name) ?? []).map(splitPair)),
  };
}

function splitPair(text: string): [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function check(flag: Flag | undefined, value: string): void {
  if (flag === undefined) return;
  const refuse = (expected: string): never => {
    throw new Failure(`invalid value "${value}" for flag -${flag.name}: expected ${expected}`);
  };
  if (flag.kind === "int" && !/^-?\d+$/.test(value)) refuse("a whole number");
  if (flag.kind === "bool" && !/^(1|t|true|0|f|false)$/i.test(value)) refuse("true or false");
  if (flag.kind === "duration" && parseDuration(value) === undefined) refuse("a duration such as 30s, 5m or 768h");
  if (flag.kind === "map" && !value.includes("=")) refuse("key=value");
}
