import type { Readable } from "node:stream";
import pino from "pino";
import { RequestError } from "@coffer/state-machine";
import { levelNamed, LEVELS } from "./level.js";
import type { Level } from "./level.js";
import { createMonitors } from "./monitors.js";
import { standardLine } from "./standard-line.js";

export { isLevel, LEVELS } from "./level.js";
export type { Level };
export type Fields = Readonly<Record<string, unknown>>;

/** Secrets are the caller's duty: what is passed is written. */
export interface Logger {
  log(level: Level, message: string, fields?: Fields): void;
  trace(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export interface Logging {
  logger(name: string): Logger;
  levels(): Readonly<Record<string, string>>;
  /** Undefined name: all. Throws RequestError for what is unknown. */
  setLevel(name: string | undefined, level: string): void;
  /** To the level that it began with. As `setLevel` otherwise. */
  resetLevel(name: string | undefined): void;
  /** The lines from now on, whatever the loggers' own levels. Throws RequestError for an unknown level. */
  monitor(level: string, format: "standard" | "json"): Readable;
  /** After the file was moved away (SIGHUP): goes on in a new one of its name. */
  reopen(): void;
}

export interface LoggingOptions {
  readonly level: Level;
  readonly format: "standard" | "json";
  /** Undefined: stderr. */
  readonly file: string | undefined;
}

/** The keys of Vault's JSON lines: no field of a message is called that. */
const MESSAGE = "@message";
const TIME = "@timestamp";
const MODULE = "@module";

const STDERR = 2;

/** Throws where the log file cannot be opened. */
export function createLogging(options: LoggingOptions): Logging {
  const destination = pino.destination({ dest: options.file ?? STDERR, sync: true, ...(options.file && { mkdir: true }) });
  // A full disk or a closed pipe must not stop the service; what could not be written is lost.
  destination.on("error", () => undefined);
  const stream: pino.DestinationStream = options.format === "json" ? destination : { write: (text: string) => void destination.write(standardLine(text)) };
  const root = pino(
    {
      base: null,
      level: "trace",
      messageKey: MESSAGE,
      timestamp: () => `,"${TIME}":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ "@level": label }) },
    },
    stream,
  );
  const loggers = new Map<string, pino.Logger>();
  const monitors = createMonitors();
  let fallback: Level = options.level;

  return {
    logger(name) {
      const child = loggers.get(name) ?? root.child({ [MODULE]: name }, { level: fallback });
      loggers.set(name, child);
      const log = (level: Level, message: string, fields: Fields = {}) => {
        if (child.isLevelEnabled(level)) child[level](loggable(fields), message);
        if (monitors.wants(level)) monitors.write(level, JSON.stringify({ "@level": level, [TIME]: new Date().toISOString(), [MODULE]: name, ...loggable(fields), [MESSAGE]: message }));
      };
      return {
        log,
        trace: (message, fields) => log("trace", message, fields),
        debug: (message, fields) => log("debug", message, fields),
        info: (message, fields) => log("info", message, fields),
        warn: (message, fields) => log("warn", message, fields),
        error: (message, fields) => log("error", message, fields),
      };
    },
    levels: () => Object.fromEntries([...loggers].map(([name, child]) => [name, child.level])),
    setLevel(name, level) {
      const wanted = levelNamed(level);
      if (!wanted) throw new RequestError("invalid_request", `invalid level provided: ${JSON.stringify(level)}; known are ${LEVELS.join(", ")}`);
      if (name !== undefined && !loggers.has(name)) throw new RequestError("invalid_request", `logger ${JSON.stringify(name)} not found`);
      if (name === undefined) fallback = wanted;
      for (const [key, child] of loggers) if (name === undefined || key === name) child.level = wanted;
    },
    resetLevel(name) {
      if (name !== undefined && !loggers.has(name)) throw new RequestError("invalid_request", `logger ${JSON.stringify(name)} not found`);
      if (name === undefined) fallback = options.level;
      for (const [key, child] of loggers) if (name === undefined || key === name) child.level = options.level;
    },
    monitor(level, format) {
      const wanted = levelNamed(level);
      if (!wanted) throw new RequestError("invalid_request", "unknown log level");
      return monitors.open(wanted, format);
    },
    reopen() {
      if (options.file) destination.reopen();
    },
  };
}

/** Values that JSON drops, refuses or empties, as text. An error is its message: a stack is for callers who ask for one. */
function loggable(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, loggableValue(value)]));
}

function loggableValue(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  switch (typeof value) {
    case "bigint":
    case "symbol":
      return String(value);
    case "function":
      return `[function ${value.name}]`;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    default:
      return value;
  }
}
