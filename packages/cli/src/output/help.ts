import type { Command } from "../framework/command.js";
import type { Flag } from "../framework/flags.js";
import { HTTP_FLAGS, OUTPUT_FLAGS } from "../framework/global-flags.js";
import { wrapText } from "./wrap.js";

/** The whole help of a command: usage, description, flags by group. */
export function formatCommandHelp(command: Command): string {
  const sections = [`Usage: coffer ${command.usage}`, command.description.split("\n").map((line) => (line === "" ? "" : `  ${line}`)).join("\n")];
  const own = command.flags ?? [];
  if (own.length > 0) sections.push(`Command Options:\n\n${own.map(formatFlag).join("\n\n")}`);
  sections.push(`Output Options:\n\n${OUTPUT_FLAGS.map(formatFlag).join("\n\n")}`);
  sections.push(`HTTP Options:\n\n${HTTP_FLAGS.filter((flag) => flag.hidden !== true).map(formatFlag).join("\n\n")}`);
  return sections.join("\n\n");
}

const VALUES: Readonly<Record<Flag["kind"], string>> = { string: "=<string>", bool: "", int: "=<int>", duration: "=<duration>", list: "=<string>", map: "=<key=value>" };

function formatFlag(flag: Flag): string {
  return `  -${flag.name}${VALUES[flag.kind]}\n${wrapText(flag.help, 6)}`;
}

/** Names with what they do, aligned. */
export function formatCommandList(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, synopsis]) => `    ${name.padEnd(width)}    ${synopsis}`).join("\n");
}
