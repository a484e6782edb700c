import { RequestError } from "../errors.js";
import type { OperationName } from "../framework/index.js";
import type { Evaluated, StoreTransaction } from "../store/index.js";
import type { Answer } from "./answer.js";
import { discard, responded, toHandled } from "./answer.js";
import type { ApiRequest, Handled } from "./api.js";
import { createAuditTrail } from "./audit-trail.js";
import type { Core, CoreOptions } from "./core.js";
import { describe } from "./describe.js";
import { errorResponse } from "./envelope.js";
import { countFailedLogin, createEvaluator, spendOnFailure, useUpStepUp } from "./evaluate.js";
import { createHelp } from "./help.js";
import { then } from "./maybe.js";
import { loginRole } from "./login-role.js";
import { FactorNeeded } from "../mfa/index.js";
import { mountView } from "./mount-view.js";
import { guardOpenPath } from "./open-path.js";
import { newProgress } from "./progress.js";
import type { Progress } from "./progress.js";
import { sealedTarget } from "./route.js";
import { handleSealed } from "./sealed.js";
import { openJwts } from "./wrapping-jwt.js";

/** A conflicting request is evaluated again; so often only when many write the same key at once. */
const MAX_ATTEMPTS = 20;
const CATCH_UP_MS = 1000;
/** From here on the fault is ours. */
const SERVER_ERROR = 500;

export const clientGone = () => new RequestError("client_gone", "the client has gone before its request was done; nothing was changed");

/** The way of a request: evaluate, commit, evaluate again after a conflict, audit, answer. */
export function createCore(options: CoreOptions): Core {
  const { store, log, env } = options;
  const mountOf = mountView(options);
  const trail = createAuditTrail(options.audit, store, env);
  const evaluate = createEvaluator({ options, trail, mountOf });
  const help = createHelp({ options, trail });
  let requests = 0;

  function run(progress: Progress, active: boolean, attemptsLeft: number): Handled | Promise<Handled> {
    const { request } = progress;
    const answer = (tx: StoreTransaction): Answer | Promise<Answer> => (request.operation === "help" ? help(tx, progress) : evaluate(tx, progress, active));
    // Typed by hand: the evaluation is a promise exactly when the handler's is.
    const evaluated = store.evaluate(answer) as Evaluated<Answer> | Promise<Evaluated<Answer>>;
    return then(evaluated, (done): Handled | Promise<Handled> => {
      if (done.value.kind === "forward") return done.value;
      // A batch token needs no write set.
      if (done.writeSet === undefined) countToken(progress, done.value);
      if (progress.intents && done.writeSet === undefined) return settled(progress, () => conclude(progress, done.value, done.index));
      if (done.writeSet === undefined) return progress.requestLogged ? conclude(progress, done.value, done.index) : toHandled(request, done.value, done.index);
      if (active) return commit(progress, done, attemptsLeft);
      discard(done.value);
      return { kind: "forward", reason: "write" };
    });
  }

  /** Commits an evaluation, or evaluates again what it conflicted with. */
  async function commit(progress: Progress, evaluated: Evaluated<Answer>, attemptsLeft: number): Promise<Handled> {
    // The last moment at which nothing has happened yet. What its handler has begun outside is undone like after any failure.
    if (progress.request.isAbandoned?.()) {
      discard(evaluated.value);
      throw clientGone();
    }
    const { outcome, index } = { index: 0, ...(await store.commit(evaluated)) };
    if (outcome === "applied") {
      countToken(progress, evaluated.value);
      // What was applied together with it has the same header then, which is signed once.
      const handled = await settled(progress, () => conclude(progress, evaluated.value, Math.max(index, store.index())));
      return handled.kind === "response" ? { isCommitted: true, ...handled } : handled;
    }
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
        throw new RequestError("no_active_node", "leadership, or the storage, was lost while the request was committed; it may or may not have taken effect");
    }
  }

  function countToken({ request: { path }, target }: Progress, answer: Answer): void {
    if (answer.kind !== "envelope" || !answer.sealed.auth || !target) return;
    const { auth, response } = answer.sealed;
    if (auth.token_type === "default") return;
    // Whoever logs in is a client, whether the token is used or not.
    if (response.grant) options.activity?.seen({ entityId: auth.entity_id, policies: auth.token_policies ?? [], mountUuid: target.entry.uuid });
    if (!options.onTokenMade) return;
    if (response.grant || path.startsWith("auth/token/create")) options.onTokenMade({ authMethod: target.entry.type, mountPoint: target.mountPath, tokenType: auth.token_type, ttlSeconds: auth.lease_duration });
  }

  /** Goes on when what was begun outside and not confirmed is marked for undoing. */
  function settled(progress: Progress, next: () => Handled | Promise<Handled>): Handled | Promise<Handled> {
    const marked = progress.intents?.settle(true);
    return marked ? marked.then(next) : next();
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
    await progress.intents?.settle(false);
    if (known !== error) options.onInternalError(progress.request, error);
    if (options.isSealed() || !progress.isRecorded) return responded(errorResponse(known, store.index()));
    try {
      if (progress.spending && known.status < SERVER_ERROR) await spendOnFailure(options, progress.spending);
      if (progress.stepUp && known.status < SERVER_ERROR) await useUpStepUp(options, progress.stepUp);
      const isWrongLogin = known.code === "invalid_credentials" || known.code === "unknown_user";
      const shown = isWrongLogin && progress.login ? await countFailedLogin(options, progress.login, known) : known;
      await trail.failed(progress, shown);
      return responded(errorResponse(shown, store.index()));
    } catch (cause) {
      if (!(cause instanceof RequestError)) options.onInternalError(progress.request, cause);
      return responded(errorResponse(cause instanceof RequestError ? cause : new RequestError("internal", "internal error"), store.index()));
    }
  }

  /** What shows a wrapping token as a JWT is handled as if it had shown the token. */
  function begin(request: ApiRequest, active: boolean): Handled | Promise<Handled> {
    const opened = options.isSealed() ? request : openJwts(request, store);
    if (!(opened instanceof Promise)) return attempt(newProgress(opened), active);
    return opened.then((plain) => attempt(newProgress(plain), active), (error: unknown) => fail(newProgress(request), error));
  }

  function attempt(progress: Progress, active: boolean): Handled | Promise<Handled> {
    try {
      const handled = dispatchAsking(progress, active);
      return handled instanceof Promise ? handled.catch((error: unknown) => fail(progress, error)) : handled;
    } catch (error) {
      return fail(progress, error);
    }
  }

  function dispatch(progress: Progress, active: boolean): Handled | Promise<Handled> {
    const { request } = progress;
    const open = request.operation === "help" ? undefined : sealedTarget(options.system, request.path, request.operation as OperationName);
    if (open) {
      const answer = () => handleSealed(progress, open, mountOf, store.index());
      return then(options.isSealed() ? undefined : guardOpenPath(options, progress, open, active), (stopped) => stopped ?? answer());
    }
    if (options.isSealed()) throw new RequestError("sealed", "Vault is sealed");
    return run(progress, active, MAX_ATTEMPTS);
  }

  /** Asks a service of second factors when an evaluation cannot go on without, and then evaluates anew. */
  function dispatchAsking(progress: Progress, active: boolean): Handled | Promise<Handled> {
    async function again(error: unknown): Promise<Handled> {
      if (!(error instanceof FactorNeeded)) throw error;
      const { question } = error;
      progress.verdicts.tell(question, options.askFactor ? await options.askFactor(question) : `MFA methods of type ${question.method.type} cannot be asked here`);
      return dispatchAsking(progress, active);
    }
    try {
      const handled = dispatch(progress, active);
      return handled instanceof Promise ? handled.catch(again) : handled;
    } catch (error) {
      if (error instanceof FactorNeeded) return again(error);
      throw error;
    }
  }

  function handle(asked: ApiRequest, { active }: { readonly active: boolean }): Handled | Promise<Handled> {
    requests += 1;
    const request: ApiRequest = asked.operation === "head" ? { ...asked, operation: "read" } : asked;
    try {
      return begin(request, active);
    } catch (error) {
      return fail(newProgress(request), error);
    }
  }

  return {
    mountOf,
    describe: (request) => describe(options, request),
    handle,
    requests: () => requests,
    loginRole: (request) => loginRole(options, request),
    recordRefused: async (request, error) => trail.failed(newProgress(request), error)?.catch(() => {}),
  };
}
