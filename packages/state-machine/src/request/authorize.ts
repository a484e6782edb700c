import { RequestError } from "../errors.js";
import type { Caller, Environment, OperationName } from "../framework/engine.js";
import type { ReadStorage } from "../framework/storage.js";
import { aclOf } from "../identity/index.js";
import type { AclQuestion } from "../policy/index.js";
import { SYS_MOUNT } from "./route.js";
import { findTokenByText, isWithin } from "../tokens/index.js";
import type { TokenEntry } from "../tokens/index.js";

const DENIAL = "1 error occurred:\n\t* permission denied\n\n";
const BAD_TOKEN = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n";

const denial = () => new RequestError("permission_denied", DENIAL);

const callers = new WeakMap<TokenEntry, Caller>();

export function callerOf(token: TokenEntry): Caller {
  const known = callers.get(token);
  if (known) return known;
  const caller: Caller = { accessor: token.accessor, displayName: token.displayName, policies: token.policies, entityId: token.entityId, metadata: token.meta ?? {}, isRoot: token.policies.includes("root"), tokenType: token.type, tokenId: token.id };
  callers.set(token, caller);
  return caller;
}

/** The live token of a request, or undefined. `storage` is scoped to `core/`. */
export function identify(storage: ReadStorage, token: string | undefined, remoteAddress: string, env: Environment): TokenEntry | undefined {
  if (token === undefined || token === "") return undefined;
  const entry = findTokenByText(storage, token, env);
  return entry && isWithin(entry.boundCidrs, remoteAddress) ? entry : undefined;
}

export interface Demand {
  readonly path: string;
  readonly operation: OperationName;
  readonly needsSudo: boolean;
  readonly body: AclQuestion["body"];
  readonly wrapTtlSeconds: number;
  readonly exists: () => boolean;
}

export interface Permit {
  /** Names of the policies that grant it. */
  readonly grantingPolicies: readonly string[];
  /** Second factors that are still to be shown. */
  readonly mfaMethods: readonly string[];
}

/** Throws RequestError 403: everything that is not granted is denied. */
export function authorize(storage: ReadStorage, token: TokenEntry | undefined, given: string | undefined, demand: Demand, now: number): Permit {
  if (!token) throw new RequestError("permission_denied", given ? BAD_TOKEN : "permission denied");
  const answer = aclOf(storage, token, now).check(demand);
  if (!answer.allowed || (demand.needsSudo && !answer.sudo)) throw denial();
  if (answer.hasControlGroup) throw new RequestError("permission_denied", "this path is under a control group, which this version does not serve yet");
  return answer;
}

/**
 * Second factors for a path of sys/ that asks for no token, of a caller who came with one: its policies may demand them
 * (`sys/generate-root/*`, say). What they do not grant is no matter, since anybody may.
 */
export function openPathMethods(storage: ReadStorage, token: TokenEntry | undefined, demand: Omit<Demand, "needsSudo">, now: number): readonly string[] {
  return token && demand.path.startsWith(SYS_MOUNT) ? aclOf(storage, token, now).check(demand).mfaMethods : [];
}

/** See `Mount.allows`. `mountPath` is what full paths of the mount start with; without a token nothing is allowed. */
export function allowedBelow(storage: ReadStorage, token: TokenEntry | undefined, mountPath: string, wrapTtlSeconds: number, now: number): (operation: OperationName, path: string) => boolean {
  if (!token) return () => false;
  const acl = aclOf(storage, token, now);
  return (operation, path) => {
    const answer = acl.check({ path: mountPath + path, operation, exists: () => true, body: {}, wrapTtlSeconds });
    return answer.allowed && !answer.hasControlGroup && answer.mfaMethods.length === 0;
  };
}
