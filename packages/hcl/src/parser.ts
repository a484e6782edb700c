import { HclError } from "./ast.js";
import type { Body, Item, Position, Value } from "./ast.js";
import { tokenize } from "./lexer.js";
import type { Token } from "./lexer.js";

/** Nesting beyond this is an attack, not a configuration. */
const MAX_DEPTH = 100;

/** HCL 1 as Vault reads it: attributes, labelled blocks, objects, lists; JSON too. Throws HclError. */
export function parseHcl(text: string, file: string): Body {
  const tokens = tokenize(text, file).filter(({ kind }) => kind !== "comment");
  let next = 0;
  const peek = () => tokens[next]!;
  const take = () => tokens[next++]!;
  const fail = (at: Position, problem: string): never => {
    throw new HclError(file, at, problem);
  };
  const isPunctuation = (token: Token, text: string) => token.kind === "punctuation" && token.text === text;
  const skipNewlines = () => {
    while (peek().kind === "newline") next += 1;
  };
  const skipSeparators = () => {
    while (peek().kind === "newline" || isPunctuation(peek(), ",")) next += 1;
  };

  function describe(token: Token): string {
    switch (token.kind) {
      case "end":
        return "the end of the file";
      case "newline":
        return "the end of the line";
      case "number":
      case "comment":
        return token.source;
      default:
        return JSON.stringify(token.text);
    }
  }

  function value(depth: number): Value {
    if (depth > MAX_DEPTH) fail(peek().at, `nested deeper than ${MAX_DEPTH} levels`);
    const token = take();
    if (token.kind === "string") return { kind: "string", value: token.text, at: token.at };
    if (token.kind === "number") return { kind: "number", value: token.value, text: token.source, at: token.at };
    if (token.kind === "name") {
      if (token.text === "true" || token.text === "false") return { kind: "bool", value: token.text === "true", at: token.at };
      if (token.text === "null") return { kind: "null", at: token.at };
      return fail(token.at, `${token.text} is not a value; put text in quotes`);
    }
    if (isPunctuation(token, "[")) return list(token.at, depth);
    if (isPunctuation(token, "{")) return { kind: "object", body: body(token.at, "}", depth + 1), at: token.at };
    return fail(token.at, `expected a value, found ${describe(token)}`);
  }

  function list(at: Position, depth: number): Value {
    const items: Value[] = [];
    skipSeparators();
    for (;;) {
      if (isPunctuation(peek(), "]")) break;
      items.push(value(depth + 1));
      skipNewlines();
      if (isPunctuation(peek(), ",")) skipSeparators();
      else if (!isPunctuation(peek(), "]")) fail(peek().at, `expected a comma or ] in this list, found ${describe(peek())}`);
    }
    next += 1;
    return { kind: "list", items, at };
  }

  /** An item may go on in the next line, but not with a name: that is the next item, after one that is not finished. */
  function skipNewlinesOfItem(): void {
    const begin = next;
    skipNewlines();
    if (peek().kind === "name" || peek().kind === "end") next = begin;
  }

  function item(depth: number): Item {
    const key = take();
    if (key.kind !== "name" && key.kind !== "string") return fail(key.at, `expected a key or a block, found ${describe(key)}`);
    skipNewlinesOfItem();
    if (isPunctuation(peek(), "=") || isPunctuation(peek(), ":")) {
      next += 1;
      skipNewlines();
      return { kind: "attribute", name: key.text, file, at: key.at, value: value(depth) };
    }
    const labels: string[] = [];
    for (let token = peek(); token.kind === "string" || token.kind === "name"; token = peek()) {
      labels.push(token.text);
      next += 1;
      skipNewlinesOfItem();
    }
    if (!isPunctuation(peek(), "{")) return fail(peek().at, `expected = or { after ${[key.text, ...labels].join(" ")}, found ${describe(peek())}`);
    const at = take().at;
    return { kind: "block", name: key.text, file, at: key.at, labels, body: body(at, "}", depth + 1) };
  }

  function body(at: Position, end: "}" | "end", depth: number): Body {
    if (depth > MAX_DEPTH) fail(at, `nested deeper than ${MAX_DEPTH} levels`);
    const items: Item[] = [];
    for (;;) {
      skipSeparators();
      const token = peek();
      if (end === "end" ? token.kind === "end" : isPunctuation(token, "}")) break;
      if (token.kind === "end") fail(at, "this block is never closed with }");
      items.push(item(depth));
    }
    next += 1;
    return { items, file, at };
  }

  skipNewlines();
  const isJson = isPunctuation(peek(), "{");
  if (!isJson) return body({ line: 1, column: 1 }, "end", 0);
  const at = take().at;
  const parsed = body(at, "}", 0);
  skipNewlines();
  if (peek().kind !== "end") fail(peek().at, `expected the end of the file, found ${describe(peek())}`);
  return parsed;
}
