import type { Finding, Skippable } from "@coffer/node";
import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";

const LABELS = { ok: ["success", 32], warn: ["warning", 33], fail: ["failure", 31], skip: ["skipped", 90] } as const satisfies Record<Finding["status"], readonly [string, number]>;
const EXIT = { ok: 0, skip: 0, fail: 1, warn: 2 } as const satisfies Record<Finding["status"], number>;
/** As in Vault: 1 and 2 say what was found. */
const EXIT_NOT_RUN = 3;

export const command: Command = {
  usage: "operator diagnose [options]",
  description:
    "Looks for what would keep a server from starting, or from running well: its configuration, certificates, ports, data folder, members and seals. Run it as the server's user, with its environment and files, while the server is stopped.\n\n    $ coffer operator diagnose -config=/etc/coffer/coffer.hcl\n\nOf a server that runs, leave out what is in use:\n\n    $ coffer operator diagnose -config=/etc/coffer/coffer.hcl -skip=listener\n\nThe exit code is 0 where all is well, 2 with warnings, 1 with failures.",
  flags: [
    { name: "config", kind: "list", help: "Configuration file, or directory of them. May be repeated." },
    { name: "skip", kind: "list", help: "listener, storage or autounseal: not looked at. May be repeated." },
    { name: "debug", kind: "bool", help: "Accepted for Vault's scripts: everything is printed anyway.", hidden: true },
  ],
  errorCode: EXIT_NOT_RUN,
  run: async (context) => {
    const { flags, io } = context;
    const paths = flags.list("config");
    if (paths.length === 0) throw new Failure("Must specify a configuration file using -config.");
    const { diagnose, SKIPPABLE } = await import("@coffer/node");
    const skips = flags.list("skip").flatMap((text) => text.split(","));
    const unknown = skips.find((name) => !SKIPPABLE.includes(name as Skippable));
    if (unknown !== undefined) throw new Failure(`Unknown check ${JSON.stringify(unknown)}: -skip takes ${SKIPPABLE.join(", ")}`);
    const found = await diagnose(paths, skips as Skippable[]);
    if (context.format !== "table") await context.printData(found);
    else context.print(`Results:\n${lines(found, 0, io.stdout.isTTY === true).join("\n")}`);
    return EXIT[found.status];
  },
};

function lines({ name, status, message, warnings = [], Advice, children = [] }: Finding, depth: number, isColoured: boolean): string[] {
  const paint = (text: string, code: number) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
  const label = (of: Finding["status"]) => paint(`[ ${LABELS[of][0]} ]`, LABELS[of][1]);
  const indent = "  ".repeat(depth);
  const [only, ...others] = warnings;
  const told = message ?? (others.length === 0 ? only : undefined);
  const below = message === undefined && others.length === 0 ? [] : warnings;
  return [
    `${indent}${label(status)} ${name}${told === undefined ? "" : `: ${told}`}`,
    ...below.map((warning) => `${indent}  ${label("warn")} ${warning}`),
    ...(Advice === "" ? [] : [`${indent}  ${paint(Advice, 35)}`]),
    ...children.flatMap((child) => lines(child, depth + 1, isColoured)),
  ];
}
