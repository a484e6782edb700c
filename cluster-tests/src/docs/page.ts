import { spawnSync } from "node:child_process";

/** One command of a page, and what the page shows of its output. */
export interface Step {
  /** Of the command's first line, from 1. */
  readonly line: number;
  readonly command: string;
  /** Lines below the command. undefined: the page shows none, and any output is as good. */
  readonly shown: readonly string[] | undefined;
}

interface Block {
  /** Of the first line inside the fence. */
  readonly line: number;
  readonly lines: readonly string[];
  /** The nearest heading above. */
  readonly heading: string;
  /** It says so; one without a language may be anything. */
  readonly isShell: boolean;
}

const SHELL = ["", "sh", "console"];
const PROMPT = "$ ";

const isSession = ({ lines }: Block): boolean => lines.some((line) => line.startsWith(PROMPT));
const isScript = ({ heading }: Block, scripts: readonly string[]): boolean => /^quick start$/i.test(heading) || scripts.includes(heading);

/**
 * The commands of a page that a reader is meant to type: every fenced block with a prompt (`$ `), where what follows a command
 * is its output; and blocks without one below a heading "Quick start" or one of `scripts`, which are commands only. Other blocks
 * are left alone.
 */
export function stepsOf(markdown: string, scripts: readonly string[] = []): Step[] {
  return blocksOf(markdown).flatMap((block) => (isSession(block) ? sessionOf(block) : isScript(block, scripts) ? scriptOf(block) : []));
}

/** The headings of the blocks that say they are commands and are left alone. */
export function headingsLeftAlone(markdown: string, scripts: readonly string[] = []): string[] {
  const left = blocksOf(markdown).filter((block) => block.isShell && !isSession(block) && !isScript(block, scripts));
  return [...new Set(left.map(({ heading }) => heading))];
}

export const hasQuickStart = (markdown: string): boolean => /^## quick start$/im.test(markdown);

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let heading = "";
  let open: { line: number; lines: string[]; language: string } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(\w*)\s*$/.exec(line);
    if (open && fence) {
      if (SHELL.includes(open.language)) blocks.push({ line: open.line, lines: open.lines, heading, isShell: open.language !== "" });
      open = undefined;
    } else if (open) open.lines.push(line);
    else if (fence) open = { line: index + 2, lines: [], language: fence[1]! };
    else heading = /^#+ (.*)$/.exec(line)?.[1]?.trim() ?? heading;
  }
  return blocks;
}

function sessionOf({ lines, line: first }: Block): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < lines.length; ) {
    if (!lines[at]!.startsWith(PROMPT)) {
      if (lines[at]!.trim() !== "") throw new Error(`line ${first + at}: output before the first command`);
      at++;
      continue;
    }
    const start = at;
    const length = commandLength([lines[at]!.slice(PROMPT.length), ...lines.slice(at + 1)], first + at);
    at += length;
    const outputStart = at;
    while (at < lines.length && !lines[at]!.startsWith(PROMPT)) at++;
    const command = [lines[start]!.slice(PROMPT.length), ...lines.slice(start + 1, start + length)].join("\n");
    const shown = withoutBlankEnds(lines.slice(outputStart, at));
    steps.push({ line: first + start, command, shown: shown.length > 0 ? shown : undefined });
  }
  return steps;
}

function scriptOf({ lines, line: first }: Block): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < lines.length; ) {
    if (/^\s*(#|$)/.test(lines[at]!)) {
      at++;
      continue;
    }
    const length = commandLength(lines.slice(at), first + at);
    steps.push({ line: first + at, command: lines.slice(at, at + length).join("\n"), shown: undefined });
    at += length;
  }
  return steps;
}

/** How many lines the command at the start of `lines` goes on for: by a backslash, an open quote, a here-document. */
function commandLength(lines: readonly string[], line: number): number {
  for (let length = 1; length <= lines.length; length++) {
    if (isComplete(lines.slice(0, length).join("\n"))) return length;
  }
  throw new Error(`line ${line}: the command does not end: ${lines[0]}`);
}

function isComplete(text: string): boolean {
  if (text.endsWith("\\")) return false;
  // bash takes the end of its input for the end of a here-document, and says so.
  const { status, stderr } = spawnSync("bash", ["-n", "-c", text], { encoding: "utf8" });
  return status === 0 && !stderr.includes("here-document");
}

function withoutBlankEnds(lines: readonly string[]): string[] {
  return lines.join("\n").replace(/^\s*\n|\s+$/g, "").split("\n").filter((line, _, all) => all.length > 1 || line !== "");
}
