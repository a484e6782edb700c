import type { MountEntry, OperationName } from "../framework/index.js";
import type { IntentLedger } from "../intents/index.js";
import type { LockoutRules } from "../logins/lockout.js";
import { Verdicts } from "../mfa/index.js";
import type { StepUp } from "../mfa/index.js";
import type { TokenEntry } from "../tokens/index.js";
import type { ApiRequest } from "./api.js";
import type { Target } from "./core.js";

/** How far the current evaluation of a request has come. */
export interface Evaluation {
  body: Readonly<Record<string, unknown>> | undefined;
  wrapTtlSeconds: number;
  target: Target | undefined;
  /** The live token that it came with. */
  token: TokenEntry | undefined;
  /** What its entity adds to its policies, for the record; empty where nothing is recorded. */
  identityPolicies: readonly string[];
  access: { readonly allowed: boolean; readonly grantingPolicies: readonly string[] } | undefined;
  /** As the policies see it: `create` where there is nothing yet. Asked only where it is needed, and once. */
  operation: () => OperationName | "create" | "help" | "head";
  /** Second factors that the policies demand, where they were shown: they are used up, even if the request fails from here on. */
  stepUp: StepUp | undefined;
  /** The limited token that this request costs a use, even if it fails from here on. */
  spending: TokenEntry | undefined;
  /** Who tries to log in where, as far as that can be locked out. */
  login: Login | undefined;
}

export interface Login {
  readonly mount: MountEntry;
  readonly alias: string;
  readonly rules: LockoutRules;
}

/**
 * How far a request has come: what its audit records say of it, wherever it ends. It outlives an evaluation that has to be
 * repeated, so that no line is written twice.
 */
export interface Progress extends Evaluation {
  readonly request: ApiRequest;
  requestLogged: boolean;
  /** What the request has begun outside; made with the first evaluation that may. */
  intents: IntentLedger | undefined;
  /** What services of second factors have said. */
  readonly verdicts: Verdicts;
  /** False: nothing (more) is written of it, since its path is not audited, or no device could take a record. */
  isRecorded: boolean;
}

export function newEvaluation(request: ApiRequest): Evaluation {
  return { body: undefined, wrapTtlSeconds: 0, target: undefined, token: undefined, identityPolicies: [], access: undefined, operation: () => request.operation, stepUp: undefined, spending: undefined, login: undefined };
}

export function newProgress(request: ApiRequest): Progress {
  return { request, requestLogged: false, intents: undefined, verdicts: new Verdicts(), isRecorded: true, ...newEvaluation(request) };
}
