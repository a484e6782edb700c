import { ApiError, ClientSetupError, ConnectionError } from "@coffer/client";
import { formatCommandHelp } from "../output/help.js";
import type { Command } from "./command.js";
import { createContext, type Context } from "./context.js";
import { errorText } from "./error-text.js";
import { EXIT_SERVER, EXIT_USER, Failure } from "./failure.js";
import { parseFlags, type Parsed } from "./flags.js";
import { allFlags } from "./global-flags.js";
import { describeConnection, hintFor } from "./hints.js";
import type { Io } from "./io.js";
import { RequestShown } from "./output-request.js";
import { parseSecret } from "./secret.js";
import { openSession } from "./session.js";
import { readTokenFile } from "./token-file.js";

const FORMATS = ["table", "json", "yaml", "yml", "pretty", "raw"];

/** Parses, runs, and turns whatever is thrown into a message and an exit code. */
export async function runCommand(command: Command, call: { words: readonly string[]; args: readonly string[]; io: Io }): Promise<number> {
  const { io, words } = call;
  try {
    const parsed = parseFlags(call.args, allFlags(command), io.env, command.flagsFirst);
    if (parsed.help) {
      io.stdout.write(`${formatCommandHelp(command)}\n`);
      return 0;
    }
    const format = chosenFormat(command, parsed);
    if (parsed.warning !== undefined && format === "table") io.stderr.write(`${parsed.warning}\n`);
    checkCount(command, parsed.args.length);
    const session = openSession(io, parsed.flags);
    const context = createContext({ io, args: parsed.args, flags: parsed.flags, format, session });
    try {
      return (await command.run(context)) ?? 0;
    } catch (error) {
      const code = await report(error, io, words);
      await printRefusalDetails(error, context);
      return code === 0 ? 0 : (command.errorCode ?? code);
    }
  } catch (error) {
    const code = await report(error, io, words);
    return code === 0 ? 0 : (command.errorCode ?? code);
  }
}

function chosenFormat(command: Command, parsed: Parsed): string {
  const format = (parsed.flags.string("format") || "table").toLowerCase();
  if (!FORMATS.includes(format)) throw new Failure(`Invalid output format: ${format}`);
  if (format === "raw" && command.raw !== true) throw new Failure("This command does not support the -format=raw option.");
  if (format === "pretty") return "table";
  return format === "yml" ? "yaml" : format;
}

function checkCount(command: Command, got: number): void {
  const limits = command.args ?? { min: 0, max: 0 };
  const expected = limits.expected ?? String(limits.min);
  if (got < limits.min) throw new Failure(`Not enough arguments (expected ${expected}, got ${got})`);
  if (got > limits.max) throw new Failure(`Too many arguments (expected ${expected}, got ${got})`);
}

/** A refused write may explain itself in warnings, which come after the error. */
async function printRefusalDetails(error: unknown, context: Context): Promise<void> {
  const cause = error instanceof Failure ? error.cause : undefined;
  if (!(cause instanceof ApiError) || cause.status !== 404 || context.format !== "table") return;
  const secret = await parseSecret(cause.text).catch(() => undefined);
  if (secret !== undefined && secret.warnings.length > 0) await context.printSecret(secret);
}

async function report(error: unknown, io: Io, words: readonly string[]): Promise<number> {
  if (error instanceof RequestShown) {
    io.stdout.write(`${error.text}\n`);
    return 0;
  }
  if (error instanceof Failure) {
    io.stderr.write(`${error.message}\n`);
    const hasToken = words[0] === "login" || (io.env["VAULT_TOKEN"] ?? "") !== "" || (await readTokenFile(io).catch(() => undefined)) !== undefined;
    const hint = hintFor(error, { hasToken, words });
    if (hint !== undefined) io.stderr.write(`\n${hint}\n`);
    return error.exitCode;
  }
  if (error instanceof ApiError || error instanceof ConnectionError) {
    const message = error instanceof ApiError ? error.message : describeConnection(error);
    return report(new Failure(message, EXIT_SERVER, { cause: error }), io, words);
  }
  // What is left is this machine's: an address that does not parse, a file that cannot be read, a full disk.
  io.stderr.write(`${errorText(error)}\n`);
  return error instanceof ClientSetupError ? EXIT_SERVER : EXIT_USER;
}
