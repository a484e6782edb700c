import type { OperationName } from "../framework/index.js";
import { engineRequest } from "./evaluate.js";
import type { ApiRequest } from "./api.js";
import type { CoreOptions } from "./core.js";
import { parseBody } from "./parse.js";
import { newProgress } from "./progress.js";
import { target } from "./route.js";

/** The role that a login is about, before anything of it is checked; undefined where it is none, or malformed. */
export function loginRole({ store, engineFor }: Pick<CoreOptions, "store" | "engineFor">, request: ApiRequest): string | undefined {
  if (request.operation !== "update" && request.operation !== "read") return undefined;
  try {
    return store.evaluate((tx) => {
      const found = target(tx.scoped("core/"), engineFor, request.path, request.operation as OperationName);
      if (found.operation.effect !== "write" || !found.operation.roleOf) return undefined;
      const progress = { ...newProgress(request), body: parseBody(request, request.operation as OperationName), target: found };
      return found.operation.roleOf(engineRequest(tx.scoped("core/"), progress, found, false).made, tx.scoped(`logical/${found.entry.uuid}/`));
    }).value;
  } catch {
    // The pipeline says what is wrong with it.
    return undefined;
  }
}
