import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { auditHmac } from "./hmac.js";
import { parseOptions } from "./options.js";

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

/** Throws RequestError 400. Whether the device can write is for the broker's `test` to say. */
export function enableAudit(storage: WriteStorage, device: NewAuditDevice, env: Environment): AuditDeviceEntry {
  const taken = Object.keys(auditDevices(storage)).some((one) => one.startsWith(device.path) || device.path.startsWith(one));
  if (taken) throw invalid("path already in use");
  return putAudit(storage, device, Buffer.from(env.randomBytes(SALT_BYTES)).toString("base64"), env);
}

/** The uuid is new, so that every node opens the device with these options. */
export function putAudit(storage: WriteStorage, device: NewAuditDevice, salt: string, env: Environment): AuditDeviceEntry {
  if (!/^[\w./-]+\/$/.test(device.path) || device.path.includes("..") || device.path.includes("//")) throw invalid(`invalid audit path ${JSON.stringify(device.path)}`);
  const { isFallback } = parseOptions(device.type, device.options);
  const others = Object.values(auditDevices(storage)).filter(({ path }) => path !== device.path);
  if (isFallback && others.some((other) => parseOptions(other.type, other.options).isFallback)) throw invalid("there is a fallback device already");
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
