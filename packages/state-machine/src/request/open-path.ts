import type { Environment, OperationName } from "../framework/index.js";
import type { ReadStorage } from "../framework/storage.js";
import { validateStepUp } from "../mfa/index.js";
import type { StepUp } from "../mfa/index.js";
import type { Handled } from "./api.js";
import { responded } from "./answer.js";
import { identify, openPathMethods } from "./authorize.js";
import type { CoreOptions, Target } from "./core.js";
import { errorResponse } from "./envelope.js";
import { parseBody } from "./parse.js";
import type { Progress } from "./progress.js";

const FORWARD: Handled = Object.freeze({ kind: "forward", reason: "write" });

/**
 * The second factors of a change on a path that answers on a sealed node too, and so knows no token, of a caller who came with
 * one all the same. Undefined: go on. Such a path changes the node and not the store, so the factors are a write set of their own.
 */
export function guardOpenPath({ store, env }: Pick<CoreOptions, "store" | "env">, progress: Progress, { operation }: Target, active: boolean): Promise<Handled | undefined> | Handled | undefined {
  const { request } = progress;
  if (operation.effect === "read" || !request.token) return undefined;
  const shown = store.evaluate((tx) => demanded(tx.scoped("core/"), progress, env)).value;
  if (!shown) return undefined;
  return active ? check({ store, env }, shown) : FORWARD;
}

function demanded(core: ReadStorage, { request, verdicts }: Progress, env: Environment): StepUp | undefined {
  const token = identify(core, request.token, request.remoteAddress, env);
  const operation = request.operation as OperationName;
  const methods = openPathMethods(core, token, { path: request.path, operation, body: parseBody(request, operation), wrapTtlSeconds: 0, exists: () => true }, env.now());
  return token && methods.length > 0 ? { methods, entityId: token.entityId, header: request.headers["x-vault-mfa"], remoteAddress: request.remoteAddress, verdicts } : undefined;
}

async function check({ store, env }: Pick<CoreOptions, "store" | "env">, shown: StepUp): Promise<Handled | undefined> {
  const { value: refused, outcome } = await store.transact((tx) => validateStepUp(tx.scoped("core/"), shown, env));
  // Only what is on record counts: the guess, or that the code is used.
  if (outcome.outcome !== "applied") return FORWARD;
  return refused && responded(errorResponse(refused, outcome.index));
}
