import { NameTemplateError } from "./error.js";
import { parsePipeline } from "./expression.js";
import type { Expression } from "./expression.js";

/** Text stands as it is; what is between braces is an expression, or a choice. */
export type Part = string | Expression | Choice;

/** The parts of the first case whose condition holds; the last one's may be `true`, for an else. */
export interface Choice {
  readonly kind: "choice";
  readonly cases: readonly { readonly condition: Expression; readonly parts: readonly Part[] }[];
}

const MAX_LENGTH = 4096;
const ACTION = /\{\{(- )?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*)\}\}/g;
const ALWAYS: Expression = { kind: "value", value: true };

type Piece = { readonly kind: "text" | "action"; readonly text: string };

/** Throws NameTemplateError. */
export function parseTemplate(text: string): readonly Part[] {
  if (text.length > MAX_LENGTH) throw new NameTemplateError(`a template has at most ${MAX_LENGTH} characters`);
  const pieces = piecesOf(text);
  let next = 0;

  /** Up to the end of the template, or to the `else` or `end` that closes a case, which is given back. */
  function parts(): { readonly parts: readonly Part[]; readonly closing: string | undefined } {
    const found: Part[] = [];
    while (next < pieces.length) {
      const { kind, text: own } = pieces[next++]!;
      if (kind === "text") found.push(own);
      else if (/^\s*if\s/.test(own)) found.push(choice(own.replace(/^\s*if\s/, "")));
      else if (/^\s*(end|else(\s+if\s.*)?)\s*$/s.test(own)) return { parts: found, closing: own.trim() };
      else found.push(parsePipeline(own));
    }
    return { parts: found, closing: undefined };
  }

  function choice(condition: string): Choice {
    const { parts: own, closing } = parts();
    const first = { condition: parsePipeline(condition), parts: own };
    if (closing === "end") return { kind: "choice", cases: [first] };
    if (closing === undefined) throw new NameTemplateError("an if is not closed with {{end}}");
    const elseIf = /^else\s+if\s(.*)$/s.exec(closing)?.[1];
    if (elseIf !== undefined) return { kind: "choice", cases: [first, ...choice(elseIf).cases] };
    const otherwise = parts();
    if (otherwise.closing !== "end") throw new NameTemplateError("an else is not closed with {{end}}");
    return { kind: "choice", cases: [first, { condition: ALWAYS, parts: otherwise.parts }] };
  }

  const whole = parts();
  if (whole.closing !== undefined) throw new NameTemplateError(`unexpected {{${whole.closing}}}`);
  return whole.parts;
}

/** `{{- ` and ` -}}` take the white space beside them away. */
function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  let trimNext = false;
  const addText = (piece: string, trimEnd: boolean) => {
    if (piece.includes("{{")) throw new NameTemplateError("an action is not closed with }}");
    const from = trimNext ? piece.trimStart() : piece;
    const kept = trimEnd ? from.trimEnd() : from;
    if (kept !== "") pieces.push({ kind: "text", text: kept });
  };
  for (const match of text.matchAll(ACTION)) {
    const body = match[2]!;
    addText(text.slice(end, match.index), match[1] !== undefined);
    trimNext = / -$/.test(body);
    pieces.push({ kind: "action", text: trimNext ? body.slice(0, -2) : body });
    end = match.index + match[0].length;
  }
  addText(text.slice(end), false);
  return pieces;
}
