import { parseHcl } from "./parser.js";

const INDENT = "  ";
/** Lines inside these are text, not structure. */
const HEREDOC = /<<-?([\p{L}_][\p{L}\p{N}_]*)\s*$/u;

/** Canonical layout for `policy fmt`: two spaces a level, `=` aligned in runs of attributes, comments kept. Throws HclError. */
export function formatHcl(text: string, file = "policy"): string {
  parseHcl(text, file);
  const lines: string[] = [];
  let depth = 0;
  let heredoc: string | undefined;
  for (const raw of text.replace(/\r\n/g, "\n").split("\n")) {
    if (heredoc !== undefined) {
      lines.push(raw);
      if (raw.trim() === heredoc) heredoc = undefined;
      continue;
    }
    const line = raw.trim();
    const bare = withoutStringsAndComments(line);
    const closes = /^[}\]]+/.exec(bare)?.[0].length ?? 0;
    lines.push(line === "" ? "" : INDENT.repeat(Math.max(0, depth - closes)) + line);
    depth += (bare.match(/[{[]/g)?.length ?? 0) - (bare.match(/[}\]]/g)?.length ?? 0);
    heredoc = HEREDOC.exec(line)?.[1];
  }
  return `${collapseBlankLines(alignAttributes(lines)).join("\n").trim()}\n`;
}

function withoutStringsAndComments(line: string): string {
  return line.replace(/"(?:\\.|[^"\\])*"/g, '""').replace(/(#|\/\/).*$/, "");
}

function alignAttributes(lines: readonly string[]): string[] {
  const result: string[] = [];
  let run: { indent: string; name: string; rest: string }[] = [];
  const flush = () => {
    const width = Math.max(0, ...run.map(({ name }) => name.length));
    for (const { indent, name, rest } of run) result.push(`${indent}${name.padEnd(width)} = ${rest}`);
    run = [];
  };
  for (const line of lines) {
    const match = /^(\s*)("[^"]*"|[\p{L}_][\p{L}\p{N}_.-]*)\s*=\s*(.*)$/u.exec(line);
    if (match && (run.length === 0 || run[0]!.indent === match[1])) run.push({ indent: match[1]!, name: match[2]!, rest: match[3]! });
    else {
      flush();
      if (match) run.push({ indent: match[1]!, name: match[2]!, rest: match[3]! });
      else result.push(line.replace(/^(\s*[\p{L}_][\p{L}\p{N}_-]*(?:\s+"[^"]*")*)\s*\{/u, (_, head: string) => `${head.replace(/(\S)\s+/g, "$1 ")} {`));
    }
  }
  flush();
  return result;
}

function collapseBlankLines(lines: readonly string[]): string[] {
  return lines.filter((line, i) => line !== "" || lines[i - 1] !== "");
}
