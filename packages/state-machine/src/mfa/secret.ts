import { Secret, TOTP } from "otpauth";
import { invalid } from "../errors.js";
import { NO_CONTENT, data } from "../framework/response.js";
import type { EnvelopeResponse } from "../framework/response.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { SECRETS, secretsFolder } from "../identity/entities.js";
import { getEntity } from "../identity/index.js";
import type { TotpMethod } from "./method.js";
import type { TotpConfig } from "./totp-config.js";

/**
 * An entity's secret for one method, and what was done with it, in one value below `core/`: `mfa/secret/<entity>/<method>`.
 * Whoever checks a code reads and writes it, so that no code is used twice and no guess goes uncounted, however many
 * come at once and whichever node becomes the active one meanwhile.
 */
export interface MfaSecret {
  /** Base32. */
  readonly secret: string;
  /** As they were when it was made: that is what the authenticator goes by. */
  readonly terms: Pick<TotpConfig, "issuer" | "periodSeconds" | "algorithm" | "digits" | "skew">;
  /** The time step of the last code that was accepted; no code of that or an earlier one is accepted again. */
  readonly usedStep: number;
  readonly failures: number;
  /** Milliseconds since 1970: when the first of those failures was. */
  readonly failingSince: number;
}

const codec = jsonCodec<MfaSecret>();
const key = (entityId: string, methodId: string) => secretsFolder(entityId) + methodId;
const MS = 1000;

export function getSecret(storage: ReadStorage, entityId: string, methodId: string): MfaSecret | undefined {
  return storage.get(key(entityId, methodId), codec);
}

export function putSecret(storage: WriteStorage, entityId: string, methodId: string, secret: MfaSecret): void {
  storage.put(key(entityId, methodId), codec, secret);
}

export function totpOf({ secret, terms }: MfaSecret, label: string): TOTP {
  return new TOTP({ issuer: terms.issuer, label, algorithm: terms.algorithm, digits: terms.digits, period: terms.periodSeconds, secret: Secret.fromBase32(secret) });
}

/**
 * Makes an entity's secret: the only time that it is shown, as an otpauth:// URL and as a QR code of it (PNG, base64).
 * Warns where there is one already. `storage` is scoped to `core/`. Throws RequestError 400 for an unknown entity.
 */
export async function generateSecret(storage: WriteStorage, method: TotpMethod, entityId: string, env: Environment): Promise<EnvelopeResponse> {
  const entity = getEntity(storage, entityId);
  if (!entity) throw invalid("invalid entity ID");
  if (getSecret(storage, entity.id, method.id)) return { ...NO_CONTENT, warnings: [`Entity already has a secret for MFA method ${JSON.stringify(method.name)}`] };
  const { issuer, periodSeconds, algorithm, digits, skew, keySize, qrSize } = method.totp;
  const bytes = new Uint8Array(env.randomBytes(keySize));
  const made: MfaSecret = { secret: new Secret({ buffer: bytes.buffer }).base32, terms: { issuer, periodSeconds, algorithm, digits, skew }, usedStep: -1, failures: 0, failingSince: Math.floor(env.now() / MS) };
  putSecret(storage, entity.id, method.id, made);
  const url = totpOf(made, entity.id).toString();
  return data({ barcode: qrSize === 0 ? "" : await qrCode(url, qrSize), url });
}

/** Not having one is no error. */
export function destroySecret(storage: WriteStorage, entityId: string, methodId: string): void {
  storage.delete(key(entityId, methodId));
}

/** Every entity's, of a method that goes. */
export async function destroySecretsOf(storage: WriteStorage, methodId: string): Promise<void> {
  for (const name of await storage.keys(SECRETS)) if (name.endsWith(`/${methodId}`)) storage.delete(SECRETS + name);
}

async function qrCode(text: string, width: number): Promise<string> {
  const { default: qrcode } = await import("qrcode");
  return (await qrcode.toBuffer(text, { type: "png", width })).toString("base64");
}
