import type { Environment } from "@coffer/state-machine";
import { parseTemplate } from "./template-parser.js";
import type { Expression } from "./template-parser.js";
import { printf, TEMPLATE_FUNCTIONS, TemplateError } from "./template-functions.js";
import type { TemplateValue } from "./template-functions.js";

/** Who asks for a user, and by which role. */
export interface UsernameData {
  readonly DisplayName: string;
  readonly RoleName: string;
}

/** Characters that would end a quoted name or a statement: whoever can choose a display name must not write SQL with it. */
const UNSAFE = /["'`\\;{}\p{Cc}]/gu;

/**
 * A username by a template in the part of Go's template language that Vault documents for it: fields, functions, pipes,
 * parentheses and printf. Throws TemplateError.
 */
export function generateUsername(template: string, { DisplayName, RoleName }: UsernameData, env: Environment): string {
  const fields = { DisplayName: DisplayName.replace(UNSAFE, "_"), RoleName };
  return parseTemplate(template).map((part) => (typeof part === "string" ? part : String(evaluate(part, fields, env)))).join("");
}

function evaluate(expression: Expression, fields: UsernameData, env: Environment): TemplateValue {
  switch (expression.kind) {
    case "value":
      return expression.value;
    case "field":
      if (!Object.hasOwn(fields, expression.name)) throw new TemplateError(`can't evaluate field ${expression.name}; there are .DisplayName and .RoleName`);
      return fields[expression.name as keyof UsernameData];
    case "call":
      return call(expression.name, expression.inputs.map((one) => evaluate(one, fields, env)), env);
  }
}

function call(name: string, values: readonly TemplateValue[], env: Environment): string {
  if (name === "printf") {
    const [format, ...rest] = values;
    if (typeof format !== "string") throw new TemplateError("printf takes a format");
    return printf(format, rest);
  }
  if (!Object.hasOwn(TEMPLATE_FUNCTIONS, name)) throw new TemplateError(`function ${JSON.stringify(name)} not defined`);
  const { parameters, apply } = TEMPLATE_FUNCTIONS[name]!;
  if (values.length !== parameters.length) throw new TemplateError(`wrong number of args for ${name}: want ${parameters.length} got ${values.length}`);
  parameters.forEach((kind, i) => {
    if (typeof values[i] !== (kind === "text" ? "string" : "number")) throw new TemplateError(`${name} takes ${kind === "text" ? "text" : "a number"} as argument ${i + 1}`);
  });
  return apply(values as readonly never[], env);
}
