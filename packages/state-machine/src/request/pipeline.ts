import { RequestError } from "../errors.js";
import type { Mount, MountEntry, OperationName } from "../framework/index.js";
import type { Evaluated } from "../store/index.js";
import type { Answer } from "./answer.js";
import { discard, responded, toHandled } from "./answer.js";
import type { ApiRequest, Handled } from "./api.js";
import { createAuditTrail } from "./audit-trail.js";
import { identify } from "./authorize.js";
import type { Core, CoreOptions, Description } from "./core.js";
import { errorResponse } from "./envelope.js";
import { createEvaluator, spendOnFailure } from "./evaluate.js";
import { helpBody } from "./help.js";
import { then } from "./maybe.js";
import { newProgress } from "./progress.js";
import type { Progress } from "./progress.js";
import { sealedTarget, target } from "./route.js";
import { handleSealed } from "./sealed.js";

/** A conflicting request is evaluated again; so often only when many write the same key at once. */
const MAX_ATTEMPTS = 20;
const CATCH_UP_MS = 1000;
/** From here on the fault is ours. */
const SERVER_ERROR = 500;

const sealedError = () => new RequestError("sealed", "Vault is sealed");

/** The way of a request: evaluate, commit, evaluate again after a conflict, audit, answer. */
export function createCore(options: CoreOptions): Core {
  const { store, log, env, limits } = options;
  const trail = createAuditTrail(options.audit, store, env);
  const evaluate = createEvaluator({ options, trail, mountOf });

  function mountOf(entry: MountEntry): Mount<unknown> {
    const { default_lease_ttl: low, max_lease_ttl: high } = entry.config;
    return {
      entry,
      fullPath: entry.table === "auth" ? `auth/${entry.path}` : entry.path,
      defaultLeaseTtlSeconds: low > 0 ? low : Math.min(limits.defaultLeaseTtl, high > 0 ? high : Infinity),
      maxLeaseTtlSeconds: high > 0 ? high : limits.maxLeaseTtl,
      env,
      services: options.servicesFor(entry.type),
    };
  }

  function run(progress: Progress, active: boolean, attemptsLeft: number): Handled | Promise<Handled> {
    // Typed by hand: the evaluation is a promise exactly when the handler's is.
    const evaluated = store.evaluate((tx): Answer | Promise<Answer> => evaluate(tx, progress, active)) as Evaluated<Answer> | Promise<Evaluated<Answer>>;
    return then(evaluated, (done): Handled | Promise<Handled> => {
      if (done.value.kind === "forward") return done.value;
      if (done.writeSet === undefined) return progress.requestLogged ? conclude(progress, done.value, done.index) : toHandled(progress.request, done.value, done.index);
      if (active) return commit(progress, done, attemptsLeft);
      discard(done.value);
      return { kind: "forward", reason: "write" };
    });
  }

  /** Commits an evaluation, or evaluates again what it conflicted with. */
  async function commit(progress: Progress, evaluated: Evaluated<Answer>, attemptsLeft: number): Promise<Handled> {
    const { outcome, index } = { index: 0, ...(await store.commit(evaluated)) };
    if (outcome === "applied") return conclude(progress, evaluated.value, index);
    discard(evaluated.value);
    switch (outcome) {
      case "conflict":
        if (attemptsLeft <= 1) throw new RequestError("overloaded", "too many concurrent changes to the same data; try again");
        await log.waitApplied(index, CATCH_UP_MS);
        return run(progress, true, attemptsLeft - 1);
      case "not-leader":
        return { kind: "forward", reason: "write" };
      case "overloaded":
        throw new RequestError("overloaded", "the replication pipeline is full; try again");
      case "unknown":
        throw new RequestError("no_active_node", "leadership was lost while the request was committed; it may or may not have taken effect");
    }
  }

  /** Nobody learns an answer that could not be recorded. */
  function conclude(progress: Progress, answer: Answer, index: number): Handled | Promise<Handled> {
    const logged = trail.answered(progress, answer);
    const handled = () => toHandled(progress.request, answer, index);
    if (!logged) return handled();
    return logged.then(handled, (error: unknown) => {
      discard(answer);
      throw error;
    });
  }

  async function fail(progress: Progress, error: unknown): Promise<Handled> {
    const known = error instanceof RequestError ? error : new RequestError("internal", "internal error");
    if (known !== error) options.onInternalError(progress.request, error);
    if (options.isSealed() || !progress.isRecorded) return responded(errorResponse(known, store.index()));
    try {
      if (progress.spending && known.status < SERVER_ERROR) await spendOnFailure(options, progress.spending);
      await trail.failed(progress, known);
      return responded(errorResponse(known, store.index()));
    } catch (cause) {
      if (!(cause instanceof RequestError)) options.onInternalError(progress.request, cause);
      return responded(errorResponse(cause instanceof RequestError ? cause : new RequestError("internal", "internal error"), store.index()));
    }
  }

  function help(progress: Progress): Handled | Promise<Handled> {
    const evaluated = store.evaluate((tx): Answer | Promise<Answer> => {
      const core = tx.scoped("core/");
      const { request } = progress;
      progress.token = identify(core, request.token, request.remoteAddress, env);
      if (!progress.token) throw new RequestError("permission_denied", "permission denied");
      progress.access = { allowed: true, grantingPolicies: [] };
      const answer = (): Answer => ({ kind: "other", response: { kind: "plain", status: 200, body: helpBody(core, options.engineFor, request.path) } });
      const logged = trail.asked(core, progress);
      return logged ? logged.then(answer) : answer();
    }) as Evaluated<Answer> | Promise<Evaluated<Answer>>;
    return then(evaluated, ({ value, index }) => (progress.requestLogged ? conclude(progress, value, index) : toHandled(progress.request, value, index)));
  }

  function dispatch(progress: Progress, active: boolean): Handled | Promise<Handled> {
    const { request } = progress;
    if (request.operation === "help") {
      if (options.isSealed()) throw sealedError();
      return help(progress);
    }
    const open = sealedTarget(options.system, request.path, request.operation as OperationName);
    if (open) return handleSealed(progress, open, mountOf, store.index());
    if (options.isSealed()) throw sealedError();
    return run(progress, active, MAX_ATTEMPTS);
  }

  function handle(asked: ApiRequest, { active }: { readonly active: boolean }): Handled | Promise<Handled> {
    const request: ApiRequest = asked.operation === "head" ? { ...asked, operation: "read" } : asked;
    const progress = newProgress(request);
    try {
      const handled = dispatch(progress, active);
      return handled instanceof Promise ? handled.catch((error: unknown) => fail(progress, error)) : handled;
    } catch (error) {
      return fail(progress, error);
    }
  }

  function describe({ path, operation }: Pick<ApiRequest, "path" | "operation">): Description | undefined {
    if (operation === "help") {
      if (options.isSealed()) throw sealedError();
      return undefined;
    }
    const name: OperationName = operation === "head" ? "read" : operation;
    let found = sealedTarget(options.system, path, name);
    if (!found) {
      if (options.isSealed()) throw sealedError();
      try {
        found = store.evaluate((tx) => target(tx.scoped("core/"), options.engineFor, path, name)).value;
      } catch (error) {
        if (error instanceof RequestError && error.code !== "sealed") return undefined;
        throw error;
      }
    }
    const { effect, whileSealed = false, thisNode = false, activeOnly = false, rawBody = false } = found.operation;
    return { effect, whileSealed, thisNode, activeOnly, rawBody };
  }

  return { mountOf, describe, handle };
}
