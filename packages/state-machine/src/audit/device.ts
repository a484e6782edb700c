import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { auditHmac } from "./hmac.js";

/** A device as stored. The salt makes its HMACs its own. */
export interface AuditDeviceEntry {
  readonly uuid: string;
  /** Ends in `/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly local: boolean;
  readonly options: Readonly<Record<string, string>>;
  readonly salt: string;
}

export type AuditDevices = Readonly<Record<string, AuditDeviceEntry>>;

const INDEX = "audit/devices";
const codec = jsonCodec<AuditDevices>();
const NONE: AuditDevices = Object.freeze({});

/** All take storage scoped to `core/`. */
export function auditDevices(storage: ReadStorage): AuditDevices {
  return storage.get(INDEX, codec) ?? NONE;
}

export interface FileOptions {
  /** A path, `stdout` or `discard`. */
  readonly file: string;
  readonly mode: number;
  readonly logRaw: boolean;
  readonly hmacAccessor: boolean;
  readonly elideListResponses: boolean;
  readonly prefix: string;
}

/** Throws RequestError 400 that names the option. */
export function parseFileOptions(options: Readonly<Record<string, string>>): FileOptions {
  const file = options["file_path"] ?? options["path"];
  if (!file) throw invalid("file_path is required");
  const bool = (name: string, fallback: boolean) => {
    const text = options[name];
    if (text === undefined) return fallback;
    if (!["true", "false", "1", "0"].includes(text)) throw invalid(`${name} must be true or false, not ${JSON.stringify(text)}`);
    return text === "true" || text === "1";
  };
  const format = options["format"] ?? "json";
  if (format !== "json") throw invalid(`unsupported audit format ${JSON.stringify(format)}: this device writes "json"`);
  const mode = options["mode"] ?? "0600";
  if (!/^[0-7]{3,4}$/.test(mode)) throw invalid(`mode must be octal, such as "0600", not ${JSON.stringify(mode)}`);
  return { file, mode: mode === "0000" ? 0o600 : parseInt(mode, 8), logRaw: bool("log_raw", false), hmacAccessor: bool("hmac_accessor", true), elideListResponses: bool("elide_list_responses", false), prefix: options["prefix"] ?? "" };
}

export function enableAudit(storage: WriteStorage, device: Omit<AuditDeviceEntry, "uuid" | "salt">, env: Environment): AuditDeviceEntry {
  const devices = auditDevices(storage);
  if (!/^[\w./-]+\/$/.test(device.path) || device.path.includes("..") || device.path.includes("//")) throw invalid(`invalid audit path ${JSON.stringify(device.path)}`);
  const clash = Object.keys(devices).find((one) => one.startsWith(device.path) || device.path.startsWith(one));
  if (clash) throw invalid("path already in use");
  if (device.type !== "file") throw invalid(`unknown backend type: ${JSON.stringify(device.type)}; this version has "file"`);
  parseFileOptions(device.options);
  const entry = { ...device, uuid: env.uuid(), salt: Buffer.from(env.randomBytes(32)).toString("base64") };
  storage.put(INDEX, codec, { ...devices, [entry.path]: entry });
  return entry;
}

/** An unknown device is no error. */
export function disableAudit(storage: WriteStorage, path: string): void {
  const { [path]: found, ...rest } = auditDevices(storage);
  if (found) storage.put(INDEX, codec, rest);
}

export function auditHash(storage: ReadStorage, path: string, input: string): string | undefined {
  const device = auditDevices(storage)[path];
  return device && auditHmac(device.salt, input);
}
