import type { Environment } from "../framework/engine.js";
import type { WriteStorage } from "../framework/storage.js";
import { passcodeOf } from "./credentials.js";
import type { MfaMethod } from "./method.js";
import { getSecret, putSecret, totpOf } from "./secret.js";
import type { MfaSecret } from "./secret.js";

const MS = 1000;

/** One text for every wrong, used or missing code: it must not tell which. */
export const BAD_CREDENTIALS = "MFA credentials not supplied or incorrect";

/**
 * Checks what somebody gave for a method, and records it: a good code is used up, a bad one counted. Undefined: it is good;
 * else why not. What it writes has to be committed before anybody learns the outcome. `storage` is scoped to `core/`.
 */
export function validateMethod(storage: WriteStorage, method: MfaMethod, entityId: string, credentials: readonly string[], env: Environment): string | undefined {
  const secret = getSecret(storage, entityId, method.id);
  if (!secret) return `MFA secret for method name ${JSON.stringify(method.name)} not present in entity ${JSON.stringify(entityId)}`;
  const passcode = passcodeOf(credentials);
  if (passcode === undefined || !/^\d+$/.test(passcode) || passcode.length !== secret.terms.digits) return BAD_CREDENTIALS;

  const now = env.now();
  const windowMs = (secret.terms.periodSeconds + 2 * secret.terms.skew) * MS;
  const isNewWindow = now >= secret.failingSince + windowMs;
  const failures = isNewWindow ? 0 : secret.failures;
  const max = method.totp.maxValidationAttempts;
  if (failures >= max) {
    const left = Math.ceil((secret.failingSince + windowMs - now) / MS);
    return `maximum TOTP validation attempts ${failures + 1} exceeded the allowed attempts ${max}. Please try again in ${left} seconds`;
  }
  const step = acceptedStep(secret, passcode, now);
  if (step === undefined) {
    putSecret(storage, entityId, method.id, { ...secret, failures: failures + 1, failingSince: failures === 0 ? now : secret.failingSince });
    return BAD_CREDENTIALS;
  }
  putSecret(storage, entityId, method.id, { ...secret, usedStep: step, failures: 0, failingSince: now });
  return undefined;
}

/** The time step that a code is of, where it is one of the good ones and later than the last that was used. */
function acceptedStep(secret: MfaSecret, passcode: string, now: number): number | undefined {
  const delta = totpOf(secret, "").validate({ token: passcode, timestamp: now, window: secret.terms.skew });
  if (delta === null) return undefined;
  const step = Math.floor(now / MS / secret.terms.periodSeconds) + delta;
  return step > secret.usedStep ? step : undefined;
}
