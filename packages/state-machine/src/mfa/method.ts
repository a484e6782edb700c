import { createHash } from "node:crypto";
import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";

/**
 * A second factor that can be asked for: TOTP (RFC 6238). Keys below `core/`: `mfa/method/<id>` for those of logins, found by
 * name through `mfa/method-name/<hash>`; `mfa/step-up/<hash>` for those that policies name (`mfa_methods`). The secrets of
 * entities are apart (see `secret.ts`).
 */
export interface MfaMethod {
  readonly id: string;
  readonly name: string;
  readonly type: "totp";
  readonly totp: TotpConfig;
}

export interface TotpConfig {
  readonly issuer: string;
  readonly periodSeconds: number;
  /** Bytes of a secret. */
  readonly keySize: number;
  /** Pixels of the QR code's side; 0: none is made. */
  readonly qrSize: number;
  readonly algorithm: "SHA1" | "SHA256" | "SHA512";
  readonly digits: 6 | 8;
  /** How many periods before and after now are good too. */
  readonly skew: 0 | 1;
  readonly maxValidationAttempts: number;
}

/** As a caller gives it: what is left out stays, or is Vault's default. */
export interface TotpChange {
  readonly issuer?: string | undefined;
  readonly periodSeconds?: number | undefined;
  readonly keySize?: number | undefined;
  readonly qrSize?: number | undefined;
  readonly algorithm?: string | undefined;
  readonly digits?: number | undefined;
  readonly skew?: number | undefined;
  readonly maxValidationAttempts?: number | undefined;
}

const DEFAULTS: TotpConfig = Object.freeze({ issuer: "", periodSeconds: 30, keySize: 20, qrSize: 200, algorithm: "SHA1", digits: 6, skew: 1, maxValidationAttempts: 5 });
/** What a QR code, a key or a period can sensibly be. Pixels, bytes, seconds. */
const MAX_QR_SIZE = 2048;
const MAX_KEY_SIZE = 1024;
const MAX_PERIOD = 86_400;

const METHODS = "mfa/method/";
const STEP_UPS = "mfa/step-up/";
const codec = jsonCodec<MfaMethod>();
const nameCodec = jsonCodec<{ readonly id: string }>();
const hash = (name: string) => createHash("sha256").update(name).digest("hex");
const nameKey = (name: string) => `mfa/method-name/${hash(name)}`;

/** Throws RequestError 400. */
export function totpConfig(before: TotpConfig | undefined, change: TotpChange): TotpConfig {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const config = { ...DEFAULTS, ...before, ...given } as TotpConfig;
  if (config.issuer === "") throw invalid("issuer must be set");
  // It stands before the colon of the label in an otpauth:// URL.
  if (config.issuer.includes(":")) throw invalid("issuer must not contain a colon");
  for (const [name, value, max] of [["period", config.periodSeconds, MAX_PERIOD], ["key_size", config.keySize, MAX_KEY_SIZE], ["max_validation_attempts", config.maxValidationAttempts, Infinity]] as const) {
    if (value <= 0) throw invalid(`${name} must be greater than zero`);
    if (value > max) throw invalid(`${name} must be at most ${max}`);
  }
  if (config.qrSize < 0 || config.qrSize > MAX_QR_SIZE) throw invalid(`qr_size must be between 0 and ${MAX_QR_SIZE}`);
  if (!["SHA1", "SHA256", "SHA512"].includes(config.algorithm)) throw invalid("unrecognized algorithm");
  if (![6, 8].includes(config.digits)) throw invalid("digits can only be 6 or 8");
  if (![0, 1].includes(config.skew)) throw invalid("skew must be 0 or 1");
  return config;
}

/** All of these take storage scoped to `core/`. */
export function getMethod(storage: ReadStorage, id: string): MfaMethod | undefined {
  return id === "" ? undefined : storage.get(METHODS + id, codec);
}

export function methodByName(storage: ReadStorage, name: string): MfaMethod | undefined {
  const found = storage.get(nameKey(name), nameCodec);
  return found && getMethod(storage, found.id);
}

export async function listMethods(storage: ReadStorage): Promise<MfaMethod[]> {
  return (await storage.list(METHODS)).flatMap((id) => getMethod(storage, id) ?? []);
}

/** Throws RequestError 400 where the name is another's. */
export function putMethod(storage: WriteStorage, before: MfaMethod | undefined, name: string, change: TotpChange, env: Environment): MfaMethod {
  const holder = name === "" ? undefined : methodByName(storage, name);
  const known = before ?? holder;
  if (holder && known && holder.id !== known.id) throw invalid("a method with that name already exists");
  const method: MfaMethod = { id: known?.id ?? env.uuid(), name: name || (known?.name ?? ""), type: "totp", totp: totpConfig(known?.totp, change) };
  if (known && known.name !== method.name && known.name !== "") storage.delete(nameKey(known.name));
  if (method.name !== "") storage.put(nameKey(method.name), nameCodec, { id: method.id });
  storage.put(METHODS + method.id, codec, method);
  return method;
}

export function removeMethod(storage: WriteStorage, method: MfaMethod): void {
  if (method.name !== "") storage.delete(nameKey(method.name));
  storage.delete(METHODS + method.id);
}

/** The method that a policy's `mfa_methods` names. */
export function getStepUp(storage: ReadStorage, name: string): MfaMethod | undefined {
  return storage.get(STEP_UPS + hash(name), codec);
}

export async function listStepUps(storage: ReadStorage): Promise<MfaMethod[]> {
  return (await storage.list(STEP_UPS)).flatMap((key) => storage.get(STEP_UPS + key, codec) ?? []);
}

export function putStepUp(storage: WriteStorage, name: string, change: TotpChange, env: Environment): void {
  const before = getStepUp(storage, name);
  const method: MfaMethod = { id: before?.id ?? env.uuid(), name, type: "totp", totp: totpConfig(before?.totp, change) };
  storage.put(STEP_UPS + hash(name), codec, method);
}

export function removeStepUp(storage: WriteStorage, name: string): void {
  storage.delete(STEP_UPS + hash(name));
}

/** As it goes over the wire. */
export function methodBody({ id, name, type, totp }: MfaMethod): Readonly<Record<string, unknown>> {
  return {
    algorithm: totp.algorithm, digits: totp.digits, id, issuer: totp.issuer, key_size: totp.keySize, max_validation_attempts: totp.maxValidationAttempts,
    name, namespace_id: "root", namespace_path: "", period: totp.periodSeconds, qr_size: totp.qrSize, skew: totp.skew, type,
  };
}
