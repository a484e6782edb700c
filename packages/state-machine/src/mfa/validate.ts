import type { Environment } from "../framework/engine.js";
import type { WriteStorage } from "../framework/storage.js";
import { passcodeOf } from "./credentials.js";
import { identityOf } from "../identity/index.js";
import type { Verdicts } from "./factor.js";
import type { AskedMethod, MfaMethod, TotpMethod } from "./method.js";
import { getSecret, putSecret, totpOf } from "./secret.js";
import type { MfaSecret } from "./secret.js";
import { usernameOf } from "./username.js";

const MS = 1000;

/** One text for every wrong, used or missing code: it must not tell which. */
export const BAD_CREDENTIALS = "MFA credentials not supplied or incorrect";

/** Somebody who shows a second factor. */
export interface Candidate {
  readonly entityId: string;
  readonly remoteAddress: string;
  /** What services have said of them within this request. */
  readonly verdicts: Verdicts;
}

/**
 * Checks what somebody gave for a method, and records it: a good code is used up, a bad one counted. Undefined: it is good;
 * else why not. What it writes has to be committed before anybody learns the outcome. `storage` is scoped to `core/`.
 * Throws FactorNeeded where a service has to be asked first.
 */
export function validateMethod(storage: WriteStorage, method: MfaMethod, candidate: Candidate, credentials: readonly string[], env: Environment): string | undefined {
  return method.type === "totp" ? validateTotp(storage, method, candidate.entityId, credentials, env) : verdictOf(storage, method, candidate, credentials);
}

function verdictOf(storage: WriteStorage, method: AskedMethod, { entityId, remoteAddress, verdicts }: Candidate, credentials: readonly string[]): string | undefined {
  const identity = identityOf(storage, entityId);
  const username = identity && usernameOf(method, identity);
  if (!username) return `no username for MFA method name ${JSON.stringify(method.name)} in entity ${JSON.stringify(entityId)}`;
  const given = credentials.filter((one) => one !== "");
  const passcode = passcodeOf(given);
  if (given.length > 0 && !passcode) return BAD_CREDENTIALS;
  // A push is all that the others can.
  if (passcode !== undefined && method.type !== "duo") return `MFA method name ${JSON.stringify(method.name)} takes no passcode`;
  return verdicts.of({ method, username, passcode, remoteAddress });
}

function validateTotp(storage: WriteStorage, method: TotpMethod, entityId: string, credentials: readonly string[], env: Environment): string | undefined {
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
