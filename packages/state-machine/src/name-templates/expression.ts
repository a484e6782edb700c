import { NameTemplateError } from "./error.js";
import type { Value } from "./functions.js";

export type Expression =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly inputs: readonly Expression[] };

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|(-?\d+)(?![\w.])|\.(\w+)|([A-Za-z_]\w*)|([()|]))/y;

function tokenize(text: string): readonly RegExpExecArray[] {
  const tokens: RegExpExecArray[] = [];
  TOKEN.lastIndex = 0;
  const source = text.trimEnd();
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(source);
    if (!token) throw new NameTemplateError(`unexpected ${JSON.stringify(source.slice(at).trim())} in a template`);
    tokens.push(token);
  }
  return tokens;
}

/** `f a b | g c` is `g c (f a b)`, as in Go. Throws NameTemplateError. */
export function parsePipeline(text: string): Expression {
  const tokens = tokenize(text);
  let next = 0;
  const symbol = () => tokens[next]?.[6];

  function operand(): Expression {
    const token = tokens[next++];
    const [, quoted, raw, number, name, identifier, mark] = token ?? [];
    if (quoted !== undefined) return { kind: "value", value: unquote(quoted) };
    if (raw !== undefined) return { kind: "value", value: raw };
    if (number !== undefined) return { kind: "value", value: Number(number) };
    if (name !== undefined) return { kind: "field", name };
    if (identifier === "true" || identifier === "false") return { kind: "value", value: identifier === "true" };
    if (identifier !== undefined) return { kind: "call", name: identifier, inputs: [] };
    if (mark !== "(") throw new NameTemplateError(mark === undefined ? "missing value for command" : `unexpected ${JSON.stringify(mark)} in a template`);
    const inner = pipeline();
    if (symbol() !== ")") throw new NameTemplateError("unclosed left paren");
    next++;
    return inner;
  }

  function command(piped: Expression | undefined): Expression {
    const isName = tokens[next]?.[5] !== undefined;
    const first = operand();
    const inputs: Expression[] = [];
    while (next < tokens.length && symbol() !== "|" && symbol() !== ")") inputs.push(operand());
    if (piped) inputs.push(piped);
    if (inputs.length === 0) return first;
    if (!isName || first.kind !== "call") throw new NameTemplateError("only a function takes arguments");
    return { ...first, inputs };
  }

  function pipeline(): Expression {
    let result = command(undefined);
    while (symbol() === "|") {
      next++;
      result = command(result);
    }
    return result;
  }

  const whole = pipeline();
  if (next < tokens.length) throw new NameTemplateError(`unexpected ${JSON.stringify(tokens[next]![0].trim())} in a template`);
  return whole;
}

/** Of Go's escapes those that JSON has. */
function unquote(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new NameTemplateError(`bad text ${quoted} in a template`);
  }
}
