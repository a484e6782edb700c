import { COMMANDS, GROUPS } from "./command-table.js";
import type { Io } from "./framework/io.js";

const COMMON = ["read", "write", "delete", "list", "login", "server", "status", "unwrap"];

/**
 * Runs one command line and resolves with the exit code. Only what that command needs is loaded.
 */
export async function main(argv: readonly string[], io?: Io): Promise<number> {
  const streams = io ?? (await processStreams());
  const [first] = argv;
  if (argv.length === 1 && (first === "-v" || first === "-version" || first === "--version")) return main(["version"], streams);
  if (first === undefined || first === "-h" || first === "-help" || first === "--help" || first === "help") {
    streams.stdout.write(`${await topHelp()}\n`);
    return first === undefined ? 127 : 0;
  }
  if (first === "--get-yargs-completions") {
    const { complete } = await import("./framework/completion.js");
    for (const candidate of await complete(argv.slice(1))) streams.stdout.write(`${candidate}\n`);
    return 0;
  }
  const name = longestCommand(argv);
  if (name === undefined) return unknown(argv, streams);
  const { command } = await (COMMANDS[name]?.load ?? noCommand)();
  const rest = argv.slice(name.split(" ").length);
  if (name === "version" && rest.length === 0) return (await command.run({ print: (line: string) => void streams.stdout.write(`${line}\n`) } as never)) ?? 0;
  const { runCommand } = await import("./framework/run.js");
  return runCommand(command, { words: argv, args: rest, io: streams });
}

async function processStreams(): Promise<Io> {
  const { processIo, quitOnClosedPipe } = await import("./framework/io.js");
  quitOnClosedPipe();
  return processIo;
}

function noCommand(): never {
  throw new TypeError("a command name that is not in the table");
}

/** "operator raft snapshot save" has four: as many leading words as name a command. */
function longestCommand(argv: readonly string[]): string | undefined {
  const words: string[] = [];
  let found: string | undefined;
  for (const word of argv.slice(0, 4)) {
    words.push(word);
    if (Object.hasOwn(COMMANDS, words.join(" "))) found = words.join(" ");
  }
  return found;
}

/** A group without its command lists what there is; a word that is neither suggests one. */
async function unknown(argv: readonly string[], io: Io): Promise<number> {
  const { formatCommandList } = await import("./output/help.js");
  const { closest } = await import("./framework/suggest.js");
  const plain = argv.filter((word) => !word.startsWith("-"));
  const groups = [3, 2, 1].map((count) => plain.slice(0, count).join(" "));
  const group = groups.find((name) => Object.hasOwn(GROUPS, name));
  const siblings = Object.keys(COMMANDS).filter((name) => group !== undefined && name.startsWith(`${group} `));
  if (group !== undefined) {
    const typed = plain[group.split(" ").length];
    const near = typed === undefined ? undefined : closest(typed, siblings.map((name) => name.slice(group.length + 1)));
    if (near !== undefined) io.stderr.write(`There is no command "${group} ${typed}". Did you mean: coffer ${group} ${near}\n\n`);
    const list = siblings.map((name) => [name.slice(group.length + 1), COMMANDS[name]?.synopsis ?? ""] as const);
    const wantsHelp = argv.some((word) => /^--?h(elp)?$/.test(word));
    (wantsHelp ? io.stdout : io.stderr).write(`Usage: coffer ${group} <subcommand> [options] [args]\n\n  ${GROUPS[group]}\n\nSubcommands:\n${formatCommandList(list)}\n`);
    return wantsHelp ? 0 : 1;
  }
  const names = [...new Set(Object.keys(COMMANDS).map((name) => name.split(" ")[0] ?? ""))];
  const near = closest(plain[0] ?? "", names);
  io.stderr.write(near === undefined ? `${await topHelp()}\n` : `There is no command "${plain[0]}". Did you mean: coffer ${near}\n`);
  return 127;
}

async function topHelp(): Promise<string> {
  const { formatCommandList } = await import("./output/help.js");
  const entries = new Map<string, string>();
  for (const [name, { synopsis }] of Object.entries(COMMANDS)) {
    const top = name.split(" ")[0] ?? "";
    entries.set(top, GROUPS[top] ?? synopsis);
  }
  const others = [...entries.keys()].filter((name) => !COMMON.includes(name)).sort();
  const rows = (names: readonly string[]): string => formatCommandList(names.map((name) => [name, entries.get(name) ?? ""]));
  return `Usage: coffer <command> [args]\n\nCommon commands:\n${rows(COMMON)}\n\nOther commands:\n${rows(others)}`;
}
