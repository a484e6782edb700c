import { Secret, TOTP } from "otpauth";
import { invalid } from "@coffer/state-machine";
import type { WriteStorage } from "@coffer/state-machine";
import { putUsedSteps, usedSteps } from "./storage.js";
import type { TotpKey } from "./storage.js";

const MS = 1000;

/** RFC 6238 of a key. */
export function totpOf(key: TotpKey): TOTP {
  return new TOTP({
    issuer: key.issuer,
    label: key.account_name,
    secret: Secret.fromBase32(key.secret),
    algorithm: key.algorithm,
    digits: key.digits,
    period: key.period,
  });
}

/** Which period a time is in. Milliseconds since 1970. */
export const stepAt = ({ period }: TotpKey, nowMs: number): number => Math.floor(nowMs / MS / period);

/**
 * Whether a code is right now. A right one is noted and is an error from then on; a wrong one leaves no trace. Throws
 * RequestError 400 for one that was used.
 */
export function useCode(storage: WriteStorage, name: string, key: TotpKey, code: string, nowMs: number): boolean {
  const delta = totpOf(key).validate({ token: code, timestamp: nowMs, window: key.skew });
  if (delta === null) return false;
  const now = stepAt(key, nowMs);
  const step = now + delta;
  // What is older cannot be used any more.
  const used = usedSteps(storage, name).filter((one) => one >= now - key.skew);
  if (used.includes(step)) throw invalid("code already used; wait until the next time period");
  putUsedSteps(storage, name, [...used, step]);
  return true;
}
