/** Flags of `server` that stand alone, and those whose values are no secrets. */
const SWITCHES = ["dev", "dev-tls", "dev-no-store-token", "recovery"];
const SHOWN = ["config", "dev-listen-address", "log-level", "log-format"];
/** The value is a root token. */
const SECRET = ["dev-root-token-id"];
const HIDDEN = "<hidden>";

const nameOf = (argument: string | undefined) => /^--?([^=]+)/.exec(argument ?? "")?.[1] ?? "";

/** The arguments of a command of `coffer`, the command first. Of them only what is known to be no secret is shown. */
export function shownArguments([command, ...rest]: readonly string[]): readonly string[] {
  const shown = rest.map((argument, i) => {
    const name = nameOf(argument);
    if (SWITCHES.includes(name) || SHOWN.includes(name)) return argument;
    if (SECRET.includes(name)) return argument.includes("=") ? `${argument.slice(0, argument.indexOf("="))}=${HIDDEN}` : argument;
    const before = rest[i - 1] ?? "";
    return SHOWN.includes(nameOf(before)) && !before.includes("=") ? argument : HIDDEN;
  });
  return command === undefined ? [] : [command, ...shown];
}

/** This process's, with the runtime's own options. */
export function commandLine(): readonly string[] {
  const [program = "", ...rest] = process.argv.slice(1);
  return [process.execPath, ...process.execArgv, program, ...shownArguments(rest)];
}
