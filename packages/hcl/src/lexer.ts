import { HclError } from "./ast.js";
import type { Position } from "./ast.js";

export type Token =
  | { readonly kind: "name" | "string"; readonly text: string; readonly at: Position }
  | { readonly kind: "number"; readonly value: number; readonly at: Position }
  | { readonly kind: "punctuation"; readonly text: "{" | "}" | "[" | "]" | "=" | "," | ":"; readonly at: Position }
  | { readonly kind: "newline"; readonly at: Position }
  | { readonly kind: "end"; readonly at: Position };

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\", a: "\x07", b: "\b", f: "\f", v: "\v" };
const NAME_START = /[\p{L}_]/u;
const NAME_PART = /[\p{L}\p{N}_.-]/u;
const NUMBER = /[-+]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)/y;

/** HCL 1 (and JSON) into tokens. Throws HclError. */
export function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  const position = (): Position => ({ line, column: at - lineStart + 1 });
  const fail = (problem: string, where = position()): never => {
    throw new HclError(file, where, problem);
  };
  const newline = () => {
    line += 1;
    lineStart = at;
  };

  function skipBlockComment(): void {
    const begin = position();
    const end = text.indexOf("*/", at + 2);
    if (end < 0) fail("this comment is never closed with */", begin);
    for (; at < end + 2; at++) {
      if (text[at] === "\n") {
        line += 1;
        lineStart = at + 1;
      }
    }
  }

  function quoted(): string {
    const begin = position();
    let value = "";
    for (at += 1; ; at++) {
      const char = text[at];
      if (char === undefined || char === "\n") return fail("this string is never closed with a quote", begin);
      if (char === '"') break;
      if (char !== "\\") {
        value += char;
        continue;
      }
      at += 1;
      const escape = text[at] ?? "";
      const width = escape === "u" ? 4 : escape === "U" ? 8 : escape === "x" ? 2 : 0;
      if (width > 0) {
        const digits = text.slice(at + 1, at + 1 + width);
        if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length < width || parseInt(digits, 16) > 0x10ffff) fail(`\\${escape} needs ${width} hexadecimal digits`);
        value += String.fromCodePoint(parseInt(digits, 16));
        at += width;
      } else if (escape in ESCAPES) value += ESCAPES[escape];
      else if (escape === "/") value += "/";
      else fail(`unknown escape \\${escape}`);
    }
    at += 1;
    return value;
  }

  function heredoc(): string {
    const begin = position();
    const head = /<<(-?)([\p{L}_][\p{L}\p{N}_]*)[ \t]*\r?\n/uy;
    head.lastIndex = at;
    const match = head.exec(text);
    if (!match) return fail("a heredoc starts with <<NAME at the end of its line", begin);
    at += match[0].length;
    newline();
    const lines: string[] = [];
    for (;;) {
      const end = text.indexOf("\n", at);
      const current = text.slice(at, end < 0 ? text.length : end);
      if (current.trim() === match[2]) {
        at += current.length;
        break;
      }
      if (end < 0) return fail(`this heredoc is never closed with ${match[2]}`, begin);
      lines.push(current.replace(/\r$/, ""));
      at = end + 1;
      newline();
    }
    const indents = lines.filter((one) => one.trim() !== "").map((one) => /^[ \t]*/.exec(one)![0].length);
    const indent = match[1] === "-" && indents.length > 0 ? Math.min(...indents) : 0;
    return lines.map((one) => `${one.slice(indent)}\n`).join("");
  }

  while (at < text.length) {
    const char = text[at]!;
    const where = position();
    if (char === "\n") {
      tokens.push({ kind: "newline", at: where });
      at += 1;
      newline();
    } else if (char === " " || char === "\t" || char === "\r" || char === "\uFEFF") at += 1;
    else if (char === "#" || text.startsWith("//", at)) {
      while (at < text.length && text[at] !== "\n") at += 1;
    } else if (text.startsWith("/*", at)) skipBlockComment();
    else if (char === '"') tokens.push({ kind: "string", text: quoted(), at: where });
    else if (text.startsWith("<<", at)) tokens.push({ kind: "string", text: heredoc(), at: where });
    else if ("{}[]=,:".includes(char)) {
      tokens.push({ kind: "punctuation", text: char as "{", at: where });
      at += 1;
    } else if (NAME_START.test(char)) {
      const begin = at;
      while (at < text.length && NAME_PART.test(text[at]!)) at += 1;
      tokens.push({ kind: "name", text: text.slice(begin, at), at: where });
    } else {
      NUMBER.lastIndex = at;
      const number = NUMBER.exec(text)?.[0];
      if (number === undefined) fail(`unexpected character ${JSON.stringify(char)}`);
      at += number!.length;
      if (at < text.length && NAME_PART.test(text[at]!)) fail(`${number}${text[at]} is neither a number nor a name; put it in quotes`, where);
      tokens.push({ kind: "number", value: Number(number), at: where });
    }
  }
  tokens.push({ kind: "end", at: position() });
  return tokens;
}
