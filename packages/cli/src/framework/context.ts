import { ApiError, ConnectionError } from "@coffer/client";
import { formatJson } from "../output/json.js";
import { orderedSecret } from "../output/ordered.js";
import { formatGoValue } from "../output/go-value.js";
import { formatMapTable, formatSecretTable } from "../output/secret-table.js";
import { formatTable } from "../output/columns.js";
import { wrapText } from "../output/wrap.js";
import { EXIT_SERVER, EXIT_USER, Failure } from "./failure.js";
import type { FlagValues } from "./flags.js";
import { describeConnection } from "./hints.js";
import type { Io } from "./io.js";
import { secretField } from "./field.js";
import type { Secret } from "./secret.js";
import type { Session } from "./session.js";

/** What a command gets: its arguments and flags, the server, and ways to say something. */
export type Context = Session & {
  readonly io: Io;
  readonly args: readonly string[];
  readonly flags: FlagValues;
  readonly format: string;
  /** A line on stdout. */
  print(line: string): void;
  /** A line on stderr. */
  warn(line: string): void;
  printWarnings(secret: Secret): void;
  /** A secret in the user's format, or the one -field that was asked for. */
  printSecret(secret: Secret): Promise<number>;
  /** Data that is no secret: a record or, in JSON and YAML, anything. */
  printData(data: unknown): Promise<number>;
  printField(value: unknown, kind: string): Promise<number>;
  /** Runs a request; what goes wrong ends the command with `prefix: …` and exit code 2. */
  attempt<T>(prefix: string, work: Promise<T>): Promise<T>;
};

export function createContext(parts: { io: Io; args: readonly string[]; flags: FlagValues; format: string; session: Session }): Context {
  const { io, flags, format, session } = parts;
  const print = (line: string): void => void io.stdout.write(`${line}\n`);
  const warn = (line: string): void => void io.stderr.write(`${line}\n`);
  const printWarnings = (secret: Secret): void => {
    if (secret.warnings.length === 0) return;
    warn("WARNING! The following warnings were returned from Vault:\n");
    for (const warning of secret.warnings) warn(`${wrapText(`* ${warning}`, 2)}\n`);
  };
  const printField = async (value: unknown, kind: string): Promise<number> => {
    if (value === undefined || value === null) throw new Failure(`Field "${flags.string("field")}" not present in ${kind}`, EXIT_USER);
    const text = format === "table" || format === "raw" ? formatGoValue(value) : await formatAs(format, value);
    io.stdout.write(io.stdout.isTTY === true ? `${text}\n` : text);
    return 0;
  };
  const printSecret = async (secret: Secret): Promise<number> => {
    if (flags.has("field")) {
      if (format === "table") printWarnings(secret);
      return printField(secretField(secret, flags.string("field")), "secret");
    }
    if (format === "table") {
      printWarnings(secret);
      const table = formatSecretTable(secret);
      if (table !== "") print(table);
    } else print(await formatAs(format, orderedSecret(secret)));
    return 0;
  };
  const printData = async (data: unknown): Promise<number> => {
    if (format !== "table") print(await formatAs(format, data));
    else if (Array.isArray(data)) print(formatTable(data.map((item) => [String(item)])));
    else print(formatMapTable(data as Record<string, unknown>));
    return 0;
  };
  return { ...session, io, args: parts.args, flags, format, print, warn, printWarnings, printSecret, printData, printField, attempt };
}

async function formatAs(format: string, value: unknown): Promise<string> {
  if (format === "json") return formatJson(value);
  const { formatYaml } = await import("../output/yaml.js");
  return formatYaml(value);
}

async function attempt<T>(prefix: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const lead = prefix === "" ? "" : `${prefix}: `;
    if (cause instanceof ApiError) throw new Failure(`${lead}${cause.message}`, EXIT_SERVER, { cause });
    if (cause instanceof ConnectionError) throw new Failure(`${lead}${describeConnection(cause)}`, EXIT_SERVER, { cause });
    throw cause;
  }
}
