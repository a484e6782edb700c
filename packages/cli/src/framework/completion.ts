import yargs from "yargs";
import { COMMANDS } from "../command-table.js";
import { allFlags } from "./global-flags.js";

/** What may stand next: `words` are those before the one that is being typed, without the program's name. */
export async function candidates(words: readonly string[], current: string): Promise<string[]> {
  const name = [4, 3, 2, 1].map((count) => words.slice(0, count).join(" ")).find((one) => Object.hasOwn(COMMANDS, one));
  if (current.startsWith("-")) {
    if (name === undefined) return [];
    const { command } = await COMMANDS[name]!.load();
    return allFlags(command).filter(({ hidden }) => hidden !== true).map((flag) => `-${flag.name}`);
  }
  const typed = words.filter((word) => !word.startsWith("-"));
  const after = Object.keys(COMMANDS).map((one) => one.split(" ")).filter((parts) => typed.every((word, i) => parts[i] === word));
  return [...new Set(after.flatMap((parts) => parts[typed.length] ?? []))];
}

function completing(line: readonly string[]) {
  return yargs([...line]).scriptName("coffer").help(false).version(false).exitProcess(false).completion("completion", false, (current: string) => candidates(wordsBefore(line), current));
}

/** The line begins with the program's name and ends with the word that is being typed. */
function wordsBefore(line: readonly string[]): readonly string[] {
  return line.slice(1, -1);
}

/** Candidates for the last word of a line, by the rules of yargs (those that begin as it does). */
export async function complete(line: readonly string[]): Promise<readonly string[]> {
  const current = line[line.length - 1] ?? "";
  const found = await completing(line).getCompletion([...line]);
  return found.filter((one) => one.startsWith(current));
}

/** The script that a shell evaluates; yargs writes the one for the shell that SHELL names. */
export function printCompletionScript(): void {
  completing([]).showCompletionScript();
}
