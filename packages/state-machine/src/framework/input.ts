import { invalid } from "../errors.js";
import type { JsonObject } from "./document.js";
import type { PathMatch } from "./matcher.js";

export interface BuiltInput {
  readonly input: Readonly<Record<string, unknown>>;
  readonly given: (field: string) => boolean;
  readonly warnings: readonly string[];
}

/**
 * A caller's values as the declaration says. Throws RequestError 400 naming the field. A free-form body is the thing itself:
 * what its members are called does not make them parameters of a query.
 */
export function buildInput({ declaration, parameters }: PathMatch, values: JsonObject, isWrite: boolean): BuiltInput {
  const input: Record<string, unknown> = {};
  const { fields, freeForm } = declaration;
  for (const name in fields) {
    const declared = fields[name]!;
    if (isWrite && freeForm && declared.query) continue;
    const value = parameters[name] ?? (Object.hasOwn(values, name) ? values[name] : undefined);
    if (value === undefined || (value === null && !(name in parameters))) {
      if (declared.required) throw invalid(`missing ${name}`);
      if (declared.default !== undefined) input[name] = declared.default;
      continue;
    }
    const parsed = declared.kind.parse(value);
    if (!parsed.ok) throw invalid(`Field validation failed: error converting input for field ${JSON.stringify(name)}: ${declared.sensitive ? `expected ${declared.kind.name}` : parsed.message}`);
    if (declared.allowed && !declared.allowed.includes(parsed.value as string)) throw invalid(`invalid value for ${name}: must be one of ${declared.allowed.join(", ")}`);
    input[name] = parsed.value;
  }
  return {
    input,
    given: (name) => name in parameters || (Object.hasOwn(values, name) && values[name] !== null),
    warnings: isWrite && !declaration.freeForm ? warningsFor(fields, parameters, values) : [],
  };
}

function warningsFor(fields: Readonly<Record<string, unknown>>, parameters: Readonly<Record<string, string>>, values: JsonObject): string[] {
  const unknown: string[] = [];
  const replaced: string[] = [];
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(parameters, name)) {
      if (values[name] !== parameters[name]) replaced.push(name);
    } else if (!Object.hasOwn(fields, name)) unknown.push(name);
  }
  const warnings: string[] = [];
  if (unknown.length > 0) warnings.push(`Endpoint ignored these unrecognized parameters: [${unknown.sort().join(" ")}]`);
  if (replaced.length > 0) warnings.push(`Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [${replaced.sort().join(" ")}]`);
  return warnings;
}
