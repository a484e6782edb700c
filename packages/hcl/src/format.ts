import { tokenize } from "./lexer.js";
import type { Token } from "./lexer.js";
import { parseHcl } from "./parser.js";

const INDENT = "  ";

interface Line {
  readonly tokens: readonly Token[];
  readonly depth: number;
}

/**
 * Canonical layout for `policy fmt`: two spaces a level, `=` aligned in runs of attributes, at most one blank line,
 * comments and the text of values kept. Throws HclError.
 */
export function formatHcl(text: string, file = "policy"): string {
  parseHcl(text, file);
  const lines = withoutSpareBlanks(indented(splitLines(tokenize(text, file))));
  const written: string[] = [];
  for (let i = 0; i < lines.length; ) {
    const run = attributeRun(lines, i);
    const width = Math.max(0, ...run.map(({ tokens }) => tokens[0]!.source.length));
    for (const line of run) written.push(INDENT.repeat(line.depth) + attribute(line, width));
    i += run.length;
    if (run.length === 0) written.push(INDENT.repeat(lines[i]!.depth) + spaced(lines[i++]!.tokens));
  }
  return written.map((line) => `${line.trimEnd()}\n`).join("");
}

function splitLines(tokens: readonly Token[]): Token[][] {
  const lines: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === "newline") lines.push([]);
    else if (token.kind !== "end") lines.at(-1)!.push(token);
  }
  return lines;
}

const isPunctuation = (token: Token | undefined, marks: string) => token?.kind === "punctuation" && marks.includes(token.text);

function indented(lines: readonly Token[][]): Line[] {
  let depth = 0;
  return lines.map((tokens) => {
    const closing = tokens.findIndex((token) => !isPunctuation(token, "}]"));
    const leading = closing < 0 ? tokens.length : closing;
    const line = { tokens, depth: Math.max(0, depth - leading) };
    for (const token of tokens) depth += isPunctuation(token, "{[") ? 1 : isPunctuation(token, "}]") ? -1 : 0;
    return line;
  });
}

function withoutSpareBlanks(lines: readonly Line[]): Line[] {
  const kept = lines.filter(({ tokens }, i) => tokens.length > 0 || (i > 0 && lines[i - 1]!.tokens.length > 0));
  while (kept.at(-1)?.tokens.length === 0) kept.pop();
  return kept;
}

/** The lines from `begin` whose equals signs stand in one column. */
function attributeRun(lines: readonly Line[], begin: number): Line[] {
  const run: Line[] = [];
  for (let i = begin; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.depth !== lines[begin]!.depth || !isPunctuation(line.tokens[1], "=")) break;
    run.push(line);
    // A value of several lines ends the run: what follows stands far below.
    if (line.tokens.some(({ source }) => source.includes("\n"))) break;
  }
  return run;
}

function attribute({ tokens }: Line, width: number): string {
  return `${tokens[0]!.source.padEnd(width)} ${spaced(tokens.slice(1))}`;
}

/** The tokens of a line with a blank where one belongs. */
function spaced(tokens: readonly Token[]): string {
  return tokens.map((token, i) => (i > 0 && needsBlank(tokens[i - 1]!, token) ? " " : "") + token.source.trimEnd()).join("");
}

function needsBlank(before: Token, token: Token): boolean {
  if (isPunctuation(token, ",:]") || isPunctuation(before, "[")) return token.kind === "comment";
  return !(isPunctuation(before, "{") && isPunctuation(token, "}"));
}
