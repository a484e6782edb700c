import type { Environment } from "../framework/engine.js";
import { checkParts } from "./check.js";
import { NameTemplateError } from "./error.js";
import type { Expression } from "./expression.js";
import { printf, TEMPLATE_FUNCTIONS } from "./functions.js";
import type { Value } from "./functions.js";
import { parseTemplate } from "./parser.js";
import type { Part } from "./parser.js";

type Fields<F extends string> = Readonly<Record<F, Value>>;

/** How names of users are made. */
export interface NameTemplate<F extends string> {
  /** Throws NameTemplateError where a value is out of bounds (`random 0`). */
  render(fields: Fields<F>, env: Environment): string;
}

/**
 * A template in the part of Go's template language that Vault documents for names: text, fields, functions, pipes, parentheses,
 * `printf`, `if`/`else` with `eq`, `ne` and `not`. It is checked whole: throws NameTemplateError for anything that is not in the
 * language, also in a branch that would not be taken.
 */
export function parseNameTemplate<const F extends string>(text: string, fields: readonly F[]): NameTemplate<F> {
  const parts = parseTemplate(text);
  checkParts(parts, fields);
  return { render: (values, env) => renderParts(parts, values, env) };
}

/**
 * A template in the same language whose fields are not known before it is filled in. What it asks for then and is not there, or is
 * of the wrong kind, is a NameTemplateError of `render`.
 */
export function parseOpenTemplate(text: string): NameTemplate<string> {
  const parts = parseTemplate(text);
  checkParts(parts, undefined);
  return { render: (values, env) => renderParts(parts, values, env) };
}

function renderParts(parts: readonly Part[], fields: Fields<string>, env: Environment): string {
  return parts.map((part) => renderPart(part, fields, env)).join("");
}

function renderPart(part: Part, fields: Fields<string>, env: Environment): string {
  if (typeof part === "string") return part;
  if (part.kind !== "choice") return String(evaluate(part, fields, env));
  const taken = part.cases.find(({ condition }) => isTrue(evaluate(condition, fields, env)));
  return taken ? renderParts(taken.parts, fields, env) : "";
}

/** As in Go: what is empty or zero is not. */
const isTrue = (value: Value) => value !== "" && value !== 0 && value !== false;

function evaluate(expression: Expression, fields: Fields<string>, env: Environment): Value {
  switch (expression.kind) {
    case "value":
      return expression.value;
    case "field":
      if (!Object.hasOwn(fields, expression.name)) throw new NameTemplateError(`there is no ${JSON.stringify(expression.name)}`);
      return fields[expression.name]!;
    case "call":
      return call(expression.name, expression.inputs.map((one) => evaluate(one, fields, env)), env);
  }
}

function call(name: string, values: readonly Value[], env: Environment): Value {
  const [first, ...rest] = values;
  switch (name) {
    case "printf":
      return printf(String(first), rest);
    case "eq":
      return rest.includes(first!);
    case "ne":
      return first !== rest[0];
    case "not":
      return !isTrue(first!);
  }
  const { parameters, apply } = TEMPLATE_FUNCTIONS[name]!;
  parameters.forEach((kind, i) => {
    if (typeof values[i] !== (kind === "text" ? "string" : kind)) throw new NameTemplateError(`wrong type of argument ${i + 1} of ${name}`);
  });
  return apply(values as readonly never[], env);
}
