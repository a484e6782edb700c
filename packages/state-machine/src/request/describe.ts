import { RequestError } from "../errors.js";
import type { OperationName } from "../framework/index.js";
import type { ApiRequest } from "./api.js";
import type { CoreOptions, Description, Target } from "./core.js";
import { sealedTarget, target } from "./route.js";

type Parts = Pick<CoreOptions, "store" | "system" | "isSealed" | "engineFor">;

/** See `Core.describe`. */
export function describe(parts: Parts, { path, operation }: Pick<ApiRequest, "path" | "operation">): Description | undefined {
  const name: OperationName | undefined = operation === "help" ? undefined : operation === "head" ? "read" : operation;
  const found = name && (sealedTarget(parts.system, path, name) ?? routed(parts, path, name));
  if (!found) {
    refuseSealed(parts);
    return undefined;
  }
  const { effect, whileSealed = false, thisNode = false, activeOnly = false, rawBody = false } = found.operation;
  return { effect: effect === "write" ? "write" : "read", whileSealed, thisNode, activeOnly, rawBody };
}

function routed(parts: Parts, path: string, operation: OperationName): Target | undefined {
  refuseSealed(parts);
  try {
    return parts.store.evaluate((tx) => target(tx.scoped("core/"), parts.engineFor, path, operation)).value;
  } catch (error) {
    // The evaluation will tell, to who may know. A seal that fell meanwhile is told at once.
    if (error instanceof RequestError && error.code !== "sealed") return undefined;
    throw error;
  }
}

function refuseSealed({ isSealed }: Pick<Parts, "isSealed">): void {
  if (isSealed()) throw new RequestError("sealed", "Vault is sealed");
}
