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
  /** Comes from the nodes' configuration files (see `declare.ts`), not from the API. */
  readonly declared?: boolean;
}

export type NewAuditDevice = Omit<AuditDeviceEntry, "uuid" | "salt">;
export type AuditDevices = Readonly<Record<string, AuditDeviceEntry>>;

const INDEX = "audit/devices";
const codec = jsonCodec<AuditDevices>();
const SALT_BYTES = 32;
const NONE: AuditDevices = Object.freeze({});

/** All take storage scoped to `core/`. */
export function auditDevices(storage: ReadStorage): AuditDevices {
  return storage.get(INDEX, codec) ?? NONE;
}

export interface FileOptions {
  /** A path, `stdout` or `discard`. */
  readonly file: string;
  /** 0: the file keeps the mode it has. */
  readonly mode: number;
  readonly logRaw: boolean;
  readonly hmacAccessor: boolean;
  readonly elideListResponses: boolean;
  readonly prefix: string;
  /** Enables the device without trying it out. */
  readonly skipTest: boolean;
}

/** Throws RequestError 400 that names the option. */
export function parseFileOptions(options: Readonly<Record<string, string>>): FileOptions {
  const file = options["file_path"] ?? options["path"];
  if (!file) throw invalid("file_path is required");
  const bool = (name: string, usual: boolean) => {
    const text = options[name];
    if (text === undefined) return usual;
    if (/^(1|t|true)$/i.test(text)) return true;
    if (/^(0|f|false)$/i.test(text)) return false;
    throw invalid(`${name} must be true or false, not ${JSON.stringify(text)}`);
  };
  const format = options["format"] ?? "json";
  if (format !== "json") throw invalid(`unknown format type ${JSON.stringify(format)}; this version writes "json"`);
  const mode = options["mode"] ?? "0600";
  if (!/^[0-7]{3,4}$/.test(mode)) throw invalid(`mode must be octal, such as "0600", not ${JSON.stringify(mode)}`);
  return {
    file,
    mode: parseInt(mode, 8),
    logRaw: bool("log_raw", false),
    hmacAccessor: bool("hmac_accessor", true),
    elideListResponses: bool("elide_list_responses", false),
    prefix: options["prefix"] ?? "",
    skipTest: bool("skip_test", false),
  };
}

/** Throws RequestError 400. Whether the device can write is for the broker's `test` to say. */
export function enableAudit(storage: WriteStorage, device: NewAuditDevice, env: Environment): AuditDeviceEntry {
  const taken = Object.keys(auditDevices(storage)).some((one) => one.startsWith(device.path) || device.path.startsWith(one));
  if (taken) throw invalid("path already in use");
  return putAudit(storage, device, Buffer.from(env.randomBytes(SALT_BYTES)).toString("base64"), env);
}

/** The uuid is new, so that every node opens the device with these options. */
export function putAudit(storage: WriteStorage, device: NewAuditDevice, salt: string, env: Environment): AuditDeviceEntry {
  if (!/^[\w./-]+\/$/.test(device.path) || device.path.includes("..") || device.path.includes("//")) throw invalid(`invalid audit path ${JSON.stringify(device.path)}`);
  if (device.type !== "file") throw invalid(`unknown backend type: ${JSON.stringify(device.type)}; this version has "file"`);
  parseFileOptions(device.options);
  const entry = { ...device, uuid: env.uuid(), salt };
  storage.put(INDEX, codec, { ...auditDevices(storage), [entry.path]: entry });
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
