import { parseDuration } from "@coffer/hcl";
import { RequestError } from "../errors.js";
import { parseExclusions } from "./exclude.js";
import type { Exclusion } from "./exclude.js";
import { parseFilter } from "./filter.js";
import type { Filter } from "./filter.js";
import { FACILITIES } from "./syslog.js";

export type OptionTexts = Readonly<Record<string, string>>;

/** How a device shows records, whatever it writes them to. */
export interface RecordOptions {
  readonly logRaw: boolean;
  readonly hmacAccessor: boolean;
  readonly elideListResponses: boolean;
  readonly prefix: string;
  readonly format: "json" | "jsonx";
  readonly exclusions: readonly Exclusion[];
}

export interface SocketAddress {
  readonly kind: "tcp" | "udp" | "unix";
  /** Of tcp and udp. */
  readonly host: string;
  readonly port: number;
  /** Of unix. */
  readonly path: string;
}

export type Destination =
  /** `file`: a path, `stdout` or `discard`. A mode of 0 leaves the file's own. */
  | { readonly kind: "file"; readonly file: string; readonly mode: number }
  | { readonly kind: "socket"; readonly address: SocketAddress; readonly writeTimeoutMs: number }
  | { readonly kind: "syslog"; readonly address: SocketAddress; readonly facility: number; readonly tag: string; readonly writeTimeoutMs: number };

export interface DeviceOptions {
  readonly records: RecordOptions;
  readonly destination: Destination;
  /** Undefined: every record. */
  readonly filter: Filter | undefined;
  /** Takes what no other device took. */
  readonly isFallback: boolean;
  /** Enables the device without trying it out. */
  readonly skipTest: boolean;
}

/** 400 about one option of a device. */
export class AuditOptionError extends RequestError {
  readonly option: string;

  constructor(option: string, problem: string) {
    super("invalid_request", problem);
    this.option = option;
  }
}

const DEFAULT_TIMEOUT_MS = 2000;
const MAX_TIMEOUT_SECONDS = 60;
const DEFAULT_SYSLOG = "/dev/log";
const MAX_PORT = 65_535;

/** Throws AuditOptionError. */
export function parseOptions(type: string, options: OptionTexts): DeviceOptions {
  const destination = parseDestination(type, options);
  const format = options["format"] ?? "json";
  if (format !== "json" && format !== "jsonx") throw new AuditOptionError("format", `unknown format type ${JSON.stringify(format)}`);
  const exclusions = parsed(options, "exclude", parseExclusions) ?? [];
  const filter = parsed(options, "filter", parseFilter);
  const isFallback = bool(options, "fallback", false);
  if (isFallback && filter) throw new AuditOptionError("filter", "a fallback device takes what no other one took: it cannot have a filter");
  const prefix = options["prefix"] ?? "";
  if (/[\r\n]/.test(prefix)) throw new AuditOptionError("prefix", "prefix must not hold a line break");
  return {
    destination,
    records: { logRaw: bool(options, "log_raw", false), hmacAccessor: bool(options, "hmac_accessor", true), elideListResponses: bool(options, "elide_list_responses", false), prefix, format, exclusions },
    filter,
    isFallback,
    skipTest: bool(options, "skip_test", false),
  };
}

function parsed<T>(options: OptionTexts, name: string, parse: (text: string) => T): T | undefined {
  const text = options[name];
  if (!text) return undefined;
  try {
    return parse(text);
  } catch (error) {
    throw error instanceof RequestError ? new AuditOptionError(name, error.message) : error;
  }
}

function bool(options: OptionTexts, name: string, usual: boolean): boolean {
  const text = options[name];
  if (text === undefined) return usual;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new AuditOptionError(name, `${name} must be true or false, not ${JSON.stringify(text)}`);
}

function parseDestination(type: string, options: OptionTexts): Destination {
  switch (type) {
    case "file":
      return fileOf(options);
    case "socket":
      return { kind: "socket", address: socketOf(options), writeTimeoutMs: timeoutOf(options) };
    case "syslog":
      return { kind: "syslog", address: syslogOf(options), facility: facilityOf(options), tag: tagOf(options), writeTimeoutMs: timeoutOf(options) };
    default:
      throw new AuditOptionError("type", `unknown backend type: ${JSON.stringify(type)}; there are "file", "socket" and "syslog"`);
  }
}

function fileOf(options: OptionTexts): Destination {
  const file = options["file_path"] ?? options["path"];
  if (!file) throw new AuditOptionError("file_path", "file_path is required");
  if (file.includes("\u0000")) throw new AuditOptionError("file_path", "file_path must not hold a null character");
  const mode = options["mode"] ?? "0600";
  if (!/^[0-7]{3,4}$/.test(mode)) throw new AuditOptionError("mode", `mode must be octal, such as "0600", not ${JSON.stringify(mode)}`);
  return { kind: "file", file, mode: parseInt(mode, 8) };
}

function socketOf(options: OptionTexts): SocketAddress {
  const address = options["address"];
  if (!address) throw new AuditOptionError("address", "address is required");
  const kind = options["socket_type"] ?? "tcp";
  if (kind === "unix") return unixOf(address);
  if (kind !== "tcp" && kind !== "udp") throw new AuditOptionError("socket_type", `socket_type must be tcp, udp or unix, not ${JSON.stringify(kind)}`);
  return networkOf(kind, address);
}

function unixOf(path: string): SocketAddress {
  // The operating system's limit of a socket's path.
  if (!path.startsWith("/") || path.length > 107 || path.includes("\u0000")) throw new AuditOptionError("address", `address must be the whole path of a socket, not ${JSON.stringify(path)}`);
  return { kind: "unix", host: "", port: 0, path };
}

function networkOf(kind: "tcp" | "udp", address: string): SocketAddress {
  const parts = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(address);
  const port = Number(parts?.[3]);
  if (!parts || port < 1 || port > MAX_PORT) throw new AuditOptionError("address", `address must be host:port, not ${JSON.stringify(address)}`);
  return { kind, host: (parts[1] ?? parts[2])!, port, path: "" };
}

/** Vault's syslog device has no address; here it may name one, for hosts whose syslog takes no stream. */
function syslogOf(options: OptionTexts): SocketAddress {
  const address = options["address"];
  if (!address) return unixOf(DEFAULT_SYSLOG);
  const [, scheme, rest] = /^(udp|tcp|unix):\/\/(.+)$/.exec(address) ?? [];
  if (scheme === undefined) throw new AuditOptionError("address", `address must begin with udp://, tcp:// or unix://, not ${JSON.stringify(address)}`);
  return scheme === "unix" ? unixOf(rest!) : networkOf(scheme as "tcp" | "udp", rest!);
}

function facilityOf(options: OptionTexts): number {
  const name = options["facility"] || "AUTH";
  const facility = FACILITIES[name.toUpperCase()];
  if (facility === undefined) throw new AuditOptionError("facility", `unknown facility ${JSON.stringify(name)}: ${Object.keys(FACILITIES).join(", ")}`);
  return facility;
}

function tagOf(options: OptionTexts): string {
  const tag = options["tag"] || "vault";
  if (!/^[\x21-\x39\x3b-\x5a\x5c\x5e-\x7e]{1,64}$/.test(tag)) throw new AuditOptionError("tag", `tag must be up to 64 printable characters without spaces, colons and brackets, not ${JSON.stringify(tag)}`);
  return tag;
}

function timeoutOf(options: OptionTexts): number {
  const text = options["write_timeout"];
  if (text === undefined || text === "") return DEFAULT_TIMEOUT_MS;
  const seconds = parseDuration(text);
  if (seconds === undefined || !(seconds > 0) || seconds > MAX_TIMEOUT_SECONDS) throw new AuditOptionError("write_timeout", `write_timeout must be a duration above 0 and up to ${MAX_TIMEOUT_SECONDS}s, not ${JSON.stringify(text)}`);
  return Math.ceil(seconds * 1000);
}
