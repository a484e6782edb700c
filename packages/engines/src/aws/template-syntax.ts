import { invalid } from "@coffer/state-machine";

/** The part of Go's text/template that names are made with: values, pipes, calls, `if`. */
export type Part = { readonly kind: "text"; readonly text: string } | { readonly kind: "value"; readonly expression: Expression } | { readonly kind: "if"; readonly condition: Expression; readonly then: readonly Part[]; readonly otherwise: readonly Part[] };

export type Expression = { readonly kind: "literal"; readonly value: string | number } | { readonly kind: "field"; readonly name: string } | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] };

const broken = (what: string) => invalid(`unable to parse username_template: ${what}`);

/** Throws RequestError 400. */
export function parseTemplate(template: string): readonly Part[] {
  const pieces = template.split(/(\{\{-?[^]*?-?\}\})/g).filter((piece) => piece !== "");
  const { parts, at } = parseParts(pieces, 0, false);
  if (at !== pieces.length) throw broken("unexpected end or else");
  return parts;
}

function parseParts(pieces: readonly string[], from: number, isInside: boolean): { readonly parts: readonly Part[]; readonly at: number } {
  const parts: Part[] = [];
  let at = from;
  while (at < pieces.length) {
    const piece = pieces[at]!;
    const action = /^\{\{-?([^]*?)-?\}\}$/.exec(piece)?.[1]?.trim();
    if (action === undefined) {
      if (piece.includes("{{")) throw broken("an action is not closed");
      parts.push({ kind: "text", text: piece });
      at += 1;
    } else if (action === "end" || action === "else") {
      if (!isInside) throw broken(`unexpected ${action}`);
      return { parts, at };
    } else if (/^if\s/.test(action)) {
      const then = parseParts(pieces, at + 1, true);
      const isElse = /^\{\{-?\s*else\s*-?\}\}$/.test(pieces[then.at] ?? "");
      const otherwise = isElse ? parseParts(pieces, then.at + 1, true) : { parts: [], at: then.at };
      if (otherwise.at >= pieces.length) throw broken("an if without end");
      parts.push({ kind: "if", condition: parseExpression(action.slice(2)), then: then.parts, otherwise: otherwise.parts });
      at = otherwise.at + 1;
    } else {
      parts.push({ kind: "value", expression: parseExpression(action) });
      at += 1;
    }
  }
  if (isInside) throw broken("an if without end");
  return { parts, at };
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d+)|(\.\w+)|(\w+)|([()|]))\s*/y;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    if (!found) throw broken(`unexpected text in an action`);
    tokens.push(found[0].trim());
  }
  return tokens;
}

function parseExpression(text: string): Expression {
  const tokens = tokensOf(text);
  const { expression, at } = parsePipe(tokens, 0);
  if (at !== tokens.length) throw broken("unexpected ) in an action");
  return expression;
}

/** `a | f x` is `f x a`. */
function parsePipe(tokens: readonly string[], from: number): { readonly expression: Expression; readonly at: number } {
  let { expression, at } = parseCall(tokens, from);
  while (tokens[at] === "|") {
    const next = parseCall(tokens, at + 1);
    if (next.expression.kind !== "call") throw broken("a pipe into what is no function");
    expression = { ...next.expression, args: [...next.expression.args, expression] };
    at = next.at;
  }
  return { expression, at };
}

function parseCall(tokens: readonly string[], from: number): { readonly expression: Expression; readonly at: number } {
  const items: Expression[] = [];
  let at = from;
  while (at < tokens.length && tokens[at] !== ")" && tokens[at] !== "|") {
    const token = tokens[at]!;
    if (token === "(") {
      const inner = parsePipe(tokens, at + 1);
      if (tokens[inner.at] !== ")") throw broken("a ( is not closed");
      items.push(inner.expression);
      at = inner.at + 1;
    } else {
      items.push(atom(token));
      at += 1;
    }
  }
  const [first, ...args] = items;
  if (!first) throw broken("an empty action");
  if (args.length === 0) return { expression: first, at };
  if (first.kind !== "call") throw broken("arguments for what is no function");
  return { expression: { ...first, args }, at };
}

function atom(token: string): Expression {
  if (token.startsWith('"')) {
    try {
      return { kind: "literal", value: JSON.parse(token) as string };
    } catch {
      throw broken("a text with an unknown escape");
    }
  }
  if (/^-?\d+$/.test(token)) return { kind: "literal", value: Number(token) };
  if (token.startsWith(".")) return { kind: "field", name: token.slice(1) };
  return { kind: "call", name: token, args: [] };
}
