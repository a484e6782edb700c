import { TemplateError } from "./template-functions.js";
import type { TemplateValue } from "./template-functions.js";

export type Expression =
  | { readonly kind: "value"; readonly value: TemplateValue }
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly inputs: readonly Expression[] };

/** Text stands as it is; what is between braces is an expression. */
export type TemplatePart = string | Expression;

const MAX_LENGTH = 4096;
const ACTION = /\{\{(- )?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*)\}\}/g;
const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|(-?\d+)(?![\w.])|\.(\w+)|([A-Za-z_]\w*)|([()|]))/y;

/** Throws TemplateError. */
export function parseTemplate(text: string): readonly TemplatePart[] {
  if (text.length > MAX_LENGTH) throw new TemplateError(`a template has at most ${MAX_LENGTH} characters`);
  const parts: TemplatePart[] = [];
  let end = 0;
  let trimNext = false;
  const addText = (piece: string, trimEnd: boolean) => {
    if (piece.includes("{{")) throw new TemplateError("an action is not closed with }}");
    const from = trimNext ? piece.trimStart() : piece;
    parts.push(trimEnd ? from.trimEnd() : from);
  };
  for (const match of text.matchAll(ACTION)) {
    const body = match[2]!;
    addText(text.slice(end, match.index), match[1] !== undefined);
    trimNext = / -$/.test(body);
    parts.push(parsePipeline(trimNext ? body.slice(0, -2) : body));
    end = match.index + match[0].length;
  }
  addText(text.slice(end), false);
  return parts.filter((part) => part !== "");
}

function tokenize(text: string): readonly RegExpExecArray[] {
  const tokens: RegExpExecArray[] = [];
  TOKEN.lastIndex = 0;
  const source = text.trimEnd();
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(source);
    if (!token) throw new TemplateError(`unexpected ${JSON.stringify(source.slice(at).trim())} in a template`);
    tokens.push(token);
  }
  return tokens;
}

/** `f a b | g c` is `g c (f a b)`, as in Go. */
function parsePipeline(text: string): Expression {
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
    if (identifier !== undefined) return { kind: "call", name: identifier, inputs: [] };
    if (mark !== "(") throw new TemplateError(mark === undefined ? "missing value for command" : `unexpected ${JSON.stringify(mark)} in a template`);
    const inner = pipeline();
    if (symbol() !== ")") throw new TemplateError("unclosed left paren");
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
    if (!isName || first.kind !== "call") throw new TemplateError("only a function takes arguments");
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
  if (next < tokens.length) throw new TemplateError(`unexpected ${JSON.stringify(tokens[next]![0].trim())} in a template`);
  return whole;
}

/** Of Go's escapes those that JSON has. */
function unquote(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new TemplateError(`bad text ${quoted} in a template`);
  }
}
