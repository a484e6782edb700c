import { createHash } from "node:crypto";
import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { askedBody } from "./asked-config.js";
import type { AskedSettings } from "./asked-config.js";
import type { TotpConfig } from "./totp-config.js";

/**
 * A second factor that can be asked for: TOTP (RFC 6238), or what somebody else's service says. Keys below `core/`:
 * `mfa/method/<id>` for those of logins, found by name through `mfa/method-name/<hash>`; `mfa/step-up/<hash>` for those that
 * policies name (`mfa_methods`). The TOTP secrets of entities are apart (see `secret.ts`).
 */
export type MfaMethod = TotpMethod | AskedMethod;
export type MethodType = MfaMethod["type"];

interface Named {
  readonly id: string;
  readonly name: string;
}

export type MethodSettings = { readonly type: "totp"; readonly totp: TotpConfig } | AskedSettings;
export type TotpMethod = Named & Extract<MethodSettings, { type: "totp" }>;
export type AskedMethod = Named & AskedSettings;

/** What a method is to be, given what it is. Throws RequestError 400. */
export type SettingsChange = (before: MfaMethod | undefined) => MethodSettings;

const METHODS = "mfa/method/";
const STEP_UPS = "mfa/step-up/";
const codec = jsonCodec<MfaMethod>();
const nameCodec = jsonCodec<{ readonly id: string }>();
const hash = (name: string) => createHash("sha256").update(name).digest("hex");
const nameKey = (name: string) => `mfa/method-name/${hash(name)}`;

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
export function putMethod(storage: WriteStorage, before: MfaMethod | undefined, name: string, change: SettingsChange, env: Environment): MfaMethod {
  const holder = name === "" ? undefined : methodByName(storage, name);
  const known = before ?? holder;
  if (holder && known && holder.id !== known.id) throw invalid("a method with that name already exists");
  const method: MfaMethod = { id: known?.id ?? env.uuid(), name: name || (known?.name ?? ""), ...change(known) };
  if (known && known.type !== method.type) throw invalid(`the method is one of type ${known.type}, not ${method.type}`);
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

export function putStepUp(storage: WriteStorage, name: string, change: SettingsChange, env: Environment): void {
  const before = getStepUp(storage, name);
  const method: MfaMethod = { id: before?.id ?? env.uuid(), name, ...change(before) };
  if (before && before.type !== method.type) throw invalid(`the method is one of type ${before.type}, not ${method.type}`);
  storage.put(STEP_UPS + hash(name), codec, method);
}

export function removeStepUp(storage: WriteStorage, name: string): void {
  storage.delete(STEP_UPS + hash(name));
}

/** As it goes over the wire: without what is secret. */
export function methodBody(method: MfaMethod): Readonly<Record<string, unknown>> {
  const { id, name, type } = method;
  return { ...(method.type === "totp" ? totpBody(method.totp) : askedBody(method)), id, name, type, namespace_id: "root", namespace_path: "" };
}

function totpBody(totp: TotpConfig): Readonly<Record<string, unknown>> {
  return {
    algorithm: totp.algorithm, digits: totp.digits, issuer: totp.issuer, key_size: totp.keySize, max_validation_attempts: totp.maxValidationAttempts,
    period: totp.periodSeconds, qr_size: totp.qrSize, skew: totp.skew,
  };
}
