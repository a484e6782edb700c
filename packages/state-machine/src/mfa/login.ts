import { RequestError } from "../errors.js";
import type { Environment, MountEntry } from "../framework/engine.js";
import type { WireAuth } from "../framework/response.js";
import type { WriteStorage } from "../framework/storage.js";
import { identityOf } from "../identity/index.js";
import type { MfaCredentials } from "./credentials.js";
import { enforcementsFor, mfaRequirement } from "./enforcement.js";
import type { Enforcement } from "./enforcement.js";
import { getMethod } from "./method.js";
import { putPending } from "./pending.js";
import type { PendingLogin } from "./pending.js";
import { validateMethod } from "./validate.js";
import type { Candidate } from "./validate.js";

/** What becomes of a login whose first factor was right. */
export type Admission =
  | { readonly kind: "admitted" }
  /** It waits; nothing is granted yet. */
  | { readonly kind: "pending"; readonly auth: WireAuth; readonly warnings: readonly string[] }
  /** What was written on the way stands: the guess is counted. */
  | { readonly kind: "refused"; readonly error: RequestError };

const ADMITTED: Admission = Object.freeze({ kind: "admitted" });
const WAITING = "A login request was issued that is subject to MFA validation. Please make sure to validate the login by sending another request to mfa/validate endpoint.";

/**
 * Asks for second factors where an enforcement wants one: those that came along (`credentials`) are checked at once, without
 * any the login is put by until sys/mfa/validate. Who has no entity can have no second factor, and is refused.
 * `storage` is scoped to `core/`.
 */
export function admitLogin(
  storage: WriteStorage,
  login: Omit<PendingLogin, "expireMs" | "loginRole"> & { readonly loginRole: () => string },
  mount: MountEntry,
  { credentials, ...who }: Omit<Candidate, "entityId"> & { readonly credentials: MfaCredentials | undefined },
  env: Environment,
): Admission {
  const demanded = enforcementsFor(storage, mount, identityOf(storage, login.entityId));
  if (demanded.length === 0) return ADMITTED;
  if (login.entityId === "") return { kind: "refused", error: new RequestError("permission_denied", "this login is subject to MFA validation, and has no entity that could have a second factor") };
  if (credentials) {
    // As Vault: whoever logs in in one step is not told what was wrong.
    return satisfy(storage, demanded, { ...who, entityId: login.entityId }, credentials, env) === undefined ? ADMITTED : { kind: "refused", error: new RequestError("permission_denied", "permission denied") };
  }
  const requestId = putPending(storage, { ...login, loginRole: login.loginRole() }, env);
  return { kind: "pending", auth: pendingAuth(mfaRequirement(storage, requestId, demanded)), warnings: [WAITING] };
}

/** Undefined: every enforcement got one of its methods. Else which did not, and why. */
export function satisfy(storage: WriteStorage, demanded: readonly Enforcement[], candidate: Candidate, credentials: MfaCredentials, env: Environment): string | undefined {
  // A code is used up by its first check, and may serve two enforcements.
  const outcomes = new Map<string, string | undefined>();
  function check(methodId: string): string | undefined {
    const method = getMethod(storage, methodId);
    if (!method) return `failed to find MFA config for method ID ${methodId}`;
    const given = credentials.get(methodId) ?? credentials.get(method.name);
    if (!given) return `failed to find MFA credentials associated with an MFA method ID ${methodId}, method name ${method.name}`;
    if (!outcomes.has(methodId)) outcomes.set(methodId, validateMethod(storage, method, candidate, given, env));
    return outcomes.get(methodId);
  }
  for (const { name, methodIds } of demanded) {
    const problems: string[] = [];
    const isMet = methodIds.some((id) => {
      const problem = check(id);
      if (problem !== undefined) problems.push(problem);
      return problem === undefined;
    });
    if (isMet) continue;
    problems.push(`login MFA validation failed for methodID: [${methodIds.join(" ")}]`);
    return `failed to satisfy enforcement ${name}. error: ${problems.length} ${problems.length === 1 ? "error" : "errors"} occurred:\n${problems.map((one) => `\t* ${one}\n`).join("")}\n`;
  }
  return undefined;
}

function pendingAuth(requirement: Readonly<Record<string, unknown>>): WireAuth {
  return { client_token: "", accessor: "", policies: null, metadata: null, lease_duration: 0, renewable: false, entity_id: "", token_type: "default", orphan: false, mfa_requirement: requirement, num_uses: 0 };
}
