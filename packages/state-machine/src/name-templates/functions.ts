import { createHash } from "node:crypto";
import type { Environment } from "../framework/engine.js";
import { randomCharacters } from "../passwords/index.js";
import { NameTemplateError } from "./error.js";
import { formatGoTime } from "./go-time.js";

/** What a template's expressions are made of. */
export type Value = string | number | boolean;
export type Kind = "text" | "number" | "boolean";

export interface TemplateFunction {
  /** Kinds of its parameters; where a value is piped in, it is the last one. */
  readonly parameters: readonly Kind[];
  readonly apply: (values: readonly never[], env: Environment) => string;
}

const LETTERS_AND_DIGITS = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];
const HASH_LENGTH = 8;
const MAX_RANDOM = 1000;

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function truncate(length: number, text: string): string {
  if (length <= 0) throw new NameTemplateError(`max length must be > 0 but was ${length}`);
  return text.slice(0, length);
}

/** The end of what is too long gives way to a hash of what is cut off. */
function truncateSha256(length: number, text: string): string {
  if (length <= HASH_LENGTH) throw new NameTemplateError(`max length must be > ${HASH_LENGTH} but was ${length}`);
  if (text.length <= length) return text;
  const kept = length - HASH_LENGTH;
  return text.slice(0, kept) + sha256(text.slice(kept)).slice(0, HASH_LENGTH);
}

function random(length: number, env: Environment): string {
  if (length <= 0 || length > MAX_RANDOM) throw new NameTemplateError(`the length of random must be between 1 and ${MAX_RANDOM} but was ${length}`);
  return randomCharacters(LETTERS_AND_DIGITS, length, env.randomBytes).join("");
}

const declare = <const P extends readonly ("text" | "number")[]>(parameters: P, apply: (values: { readonly [K in keyof P]: P[K] extends "text" ? string : number }, env: Environment) => string): TemplateFunction => ({ parameters, apply: apply as TemplateFunction["apply"] });

/** All give text (https://developer.hashicorp.com/vault/docs/concepts/username-templating). */
export const TEMPLATE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = Object.freeze({
  random: declare(["number"], ([length], env) => random(length, env)),
  truncate: declare(["number", "text"], ([length, text]) => truncate(length, text)),
  truncate_sha256: declare(["number", "text"], ([length, text]) => truncateSha256(length, text)),
  uppercase: declare(["text"], ([text]) => text.toUpperCase()),
  lowercase: declare(["text"], ([text]) => text.toLowerCase()),
  replace: declare(["text", "text", "text"], ([find, by, text]) => text.replaceAll(find, () => by)),
  sha256: declare(["text"], ([text]) => sha256(text)),
  base64: declare(["text"], ([text]) => Buffer.from(text).toString("base64")),
  decode_base64: declare(["text"], ([text]) => Buffer.from(text, "base64").toString()),
  hex: declare(["text"], ([text]) => Buffer.from(text).toString("hex")),
  decode_hex: declare(["text"], ([text]) => Buffer.from(text, "hex").toString()),
  unix_time: declare([], (_values, env) => String(Math.floor(env.now() / 1000))),
  unix_time_millis: declare([], (_values, env) => String(env.now())),
  timestamp: declare(["text"], ([layout], env) => formatGoTime(layout, env.now())),
  uuid: declare([], (_values, env) => env.uuid()),
});

/** `%s`, `%v`, `%d` and `%q` in the order of the values, `%%` for itself. Throws NameTemplateError where they do not fit together. */
export function printf(format: string, values: readonly Value[]): string {
  let next = 0;
  const text = format.replace(/%(.?)/gs, (_match, verb: string) => {
    if (verb === "%") return "%";
    if (!["s", "v", "d", "q"].includes(verb)) throw new NameTemplateError(`printf has no %${verb}; it has %s, %v, %d and %q`);
    const value = values[next++];
    if (value === undefined) throw new NameTemplateError("printf has more verbs than values");
    if (verb === "d" && typeof value !== "number") throw new NameTemplateError("%d takes a number");
    return verb === "q" ? JSON.stringify(String(value)) : String(value);
  });
  if (next < values.length) throw new NameTemplateError("printf has more values than verbs");
  return text;
}
