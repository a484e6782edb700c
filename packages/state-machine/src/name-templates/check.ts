import { NameTemplateError } from "./error.js";
import type { Expression } from "./expression.js";
import { printf, TEMPLATE_FUNCTIONS } from "./functions.js";
import type { Kind, Value } from "./functions.js";
import type { Part } from "./parser.js";

const KINDS = { text: "text", number: "a number", boolean: "true or false" } as const;

const kindOf = (value: Value): Kind => (typeof value === "string" ? "text" : (typeof value as "number" | "boolean"));

/** Undefined: whatever a template is given, known when it is filled in. */
export type Fields = readonly string[] | undefined;

/** Every branch, taken or not: throws NameTemplateError for a field or function that there is not, and for wrong arguments. */
export function checkParts(parts: readonly Part[], fields: Fields): void {
  for (const part of parts) {
    if (typeof part === "string") continue;
    if (part.kind !== "choice") {
      checkExpression(part, fields);
      continue;
    }
    for (const one of part.cases) {
      checkExpression(one.condition, fields);
      checkParts(one.parts, fields);
    }
  }
}

/** Undefined: only known when it is filled in. */
function checkExpression(expression: Expression, fields: Fields): Kind | undefined {
  switch (expression.kind) {
    case "value":
      return kindOf(expression.value);
    case "field":
      if (!fields) return undefined;
      if (!fields.includes(expression.name)) throw new NameTemplateError(`can't evaluate field ${expression.name}; there are ${fields.map((name) => `.${name}`).join(" and ")}`);
      return "text";
    case "call":
      return checkCall(expression.name, expression.inputs, expression.inputs.map((one) => checkExpression(one, fields)));
  }
}

function checkCall(name: string, inputs: readonly Expression[], kinds: readonly (Kind | undefined)[]): Kind {
  const wrongNumber = (want: string) => new NameTemplateError(`wrong number of args for ${name}: want ${want} got ${kinds.length}`);
  switch (name) {
    case "printf":
      if (kinds[0] !== "text") throw new NameTemplateError("printf takes a format");
      checkFormat(inputs[0]!, kinds.slice(1));
      return "text";
    case "eq":
      if (kinds.length < 2) throw wrongNumber("at least 2");
      if (new Set(kinds.filter((kind) => kind !== undefined)).size > 1) throw new NameTemplateError(`incompatible types for comparison in ${name}`);
      return "boolean";
    case "ne":
      if (kinds.length !== 2) throw wrongNumber("2");
      if (kinds[0] !== undefined && kinds[1] !== undefined && kinds[0] !== kinds[1]) throw new NameTemplateError(`incompatible types for comparison in ${name}`);
      return "boolean";
    case "not":
      if (kinds.length !== 1) throw wrongNumber("1");
      return "boolean";
  }
  if (!Object.hasOwn(TEMPLATE_FUNCTIONS, name)) throw new NameTemplateError(`function ${JSON.stringify(name)} not defined`);
  const { parameters } = TEMPLATE_FUNCTIONS[name]!;
  if (kinds.length !== parameters.length) throw wrongNumber(String(parameters.length));
  parameters.forEach((kind, i) => {
    if (kinds[i] !== undefined && kinds[i] !== kind) throw new NameTemplateError(`${name} takes ${KINDS[kind]} as argument ${i + 1}`);
  });
  return "text";
}

const SAMPLES: Readonly<Record<Kind, Value>> = { text: "", number: 0, boolean: true };

/** One that is only known when a name is made is tried then. */
function checkFormat(format: Expression, kinds: readonly (Kind | undefined)[]): void {
  if (format.kind === "value" && !kinds.includes(undefined)) printf(String(format.value), kinds.map((kind) => SAMPLES[kind!]));
}
