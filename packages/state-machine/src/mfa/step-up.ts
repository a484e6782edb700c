import { RequestError } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { WriteStorage } from "../framework/storage.js";
import { parseMfaHeader } from "./credentials.js";
import { getStepUp } from "./method.js";
import { BAD_CREDENTIALS, validateMethod } from "./validate.js";
import type { Candidate } from "./validate.js";

export interface StepUp extends Candidate {
  /** `mfa_methods` of the policies: each of them has to validate. */
  readonly methods: readonly string[];
  /** X-Vault-MFA. */
  readonly header: string | undefined;
}

/**
 * Checks the second factors of a request. Undefined: all are good, and used up; else the refusal (403), with which what was
 * counted has to be committed. `storage` is scoped to `core/`. Throws RequestError 400 for a malformed header.
 */
export function validateStepUp(storage: WriteStorage, { methods, header, ...candidate }: StepUp, env: Environment): RequestError | undefined {
  const given = parseMfaHeader(header);
  if (candidate.entityId === "") return refusal(["step-up MFA needs a token with an entity"]);
  const found = methods.map((name) => ({ name, method: getStepUp(storage, name), credentials: given?.get(name) }));
  // All are there before any is used up.
  const missing = found.flatMap(({ name, method, credentials }) => (!method ? [`MFA method ${JSON.stringify(name)} is not configured`] : credentials ? [] : [`MFA method ${JSON.stringify(name)}: ${BAD_CREDENTIALS}`]));
  if (missing.length > 0) return refusal(missing);
  for (const { name, method, credentials } of found) {
    const problem = validateMethod(storage, method!, candidate, credentials!, env);
    if (problem !== undefined) return refusal([`MFA method ${JSON.stringify(name)}: ${problem}`]);
  }
  return undefined;
}

function refusal(reasons: readonly string[]): RequestError {
  return new RequestError("permission_denied", `${reasons.length + 1} errors occurred:\n\t* permission denied\n${reasons.map((one) => `\t* ${one}\n`).join("")}\n`);
}
