import pino from "pino";
import { RequestError } from "@coffer/state-machine";

export const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];
export type Fields = Readonly<Record<string, unknown>>;

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
  reopen(): void;
}

export interface LoggingOptions {
  readonly level: Level;
  readonly format: "standard" | "json";
  readonly file: string | undefined;
}

/** Vault's line: time, level, name, message, then key=value. */
function standardLine(text: string): string {
  const { time, level, name, msg, ...fields } = JSON.parse(text) as Record<string, unknown>;
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === "string" && /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value)}`);
  const label = `[${String(level).toUpperCase()}]`.padEnd(7);
  return `${String(time)} ${label} ${String(name)}: ${String(msg)}${pairs.length > 0 ? `: ${pairs.join(" ")}` : ""}\n`;
}

export function isLevel(text: string): text is Level {
  return (LEVELS as readonly string[]).includes(text);
}

export function createLogging(options: LoggingOptions): Logging {
  const destination = pino.destination({ dest: options.file ?? 2, sync: true, ...(options.file && { mkdir: true }) });
  const stream = options.format === "json" ? destination : { write: (text: string) => destination.write(standardLine(text)) };
  const root = pino({ base: null, level: "trace", timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: (label) => ({ level: label }) } }, stream as pino.DestinationStream);
  const loggers = new Map<string, pino.Logger>();
  let fallback: Level = options.level;

  return {
    logger(name) {
      const child = loggers.get(name) ?? root.child({ name }, { level: fallback });
      loggers.set(name, child);
      const log = (level: Level, message: string, fields: Fields = {}) => child[level](fields, message);
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
      const wanted = level === "notice" ? "info" : level === "err" ? "error" : level === "warning" ? "warn" : level;
      if (!isLevel(wanted)) throw new RequestError("invalid_request", `invalid level provided: ${JSON.stringify(level)}; known are ${LEVELS.join(", ")}`);
      if (name !== undefined && !loggers.has(name)) throw new RequestError("not_found", `logger ${JSON.stringify(name)} not found`);
      if (name === undefined) fallback = wanted;
      for (const [key, child] of loggers) if (name === undefined || key === name) child.level = wanted;
    },
    reopen: () => (options.file ? destination.reopen() : undefined),
  };
}
