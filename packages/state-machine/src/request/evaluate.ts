import { RequestError, denied, invalid } from "../errors.js";
import { buildInput } from "../framework/index.js";
import type { Apart, EngineRequest, Environment, EnvelopeResponse, Fields, MountEntry, Operation, OperationName, Response, WriteMount } from "../framework/index.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { identityOf } from "../identity/index.js";
import { createIntentLedger } from "../intents/index.js";
import { origin, tokenRemoved } from "../leases/index.js";
import { countFailure, countForNobody, forgetFailures, isLocked, lockoutRules } from "../logins/lockout.js";
import { FactorNeeded, Verdicts, validateStepUp } from "../mfa/index.js";
import type { StepUp } from "../mfa/index.js";
import { isOfCore, storagePrefix } from "../mounts/index.js";
import { passwordBy } from "../passwords/index.js";
import type { StoreTransaction } from "../store/index.js";
import { findToken, revokeTree, useToken } from "../tokens/index.js";
import type { TokenEntry } from "../tokens/index.js";
import type { Answer } from "./answer.js";
import type { AuditTrail } from "./audit-trail.js";
import { allowedBelow, authorize, callerOf, identify, openPathMethods } from "./authorize.js";
import type { CoreOptions, Target } from "./core.js";
import { finishResponse } from "./finish.js";
import { then } from "./maybe.js";
import { parseBody, parseWrapTtl } from "./parse.js";
import { newEvaluation } from "./progress.js";
import type { Login, Progress } from "./progress.js";
import { target } from "./route.js";
import { cubbyholeResponse } from "./wrapping.js";
import { asJwt, isJwtAsked } from "./wrapping-jwt.js";

interface EvaluatorParts {
  readonly options: CoreOptions;
  readonly trail: AuditTrail;
  readonly mountOf: (entry: MountEntry) => WriteMount;
}

/** One routed request, with what it is evaluated with. */
interface Routed {
  readonly options: CoreOptions;
  readonly env: Environment;
  readonly core: WriteStorage;
  readonly storage: WriteStorage;
  readonly mount: WriteMount;
  readonly target: Target;
  readonly progress: Progress;
}

/** One evaluation: throws RequestError; a promise only where the handler or the audit log needs one. */
export type Evaluator = (tx: StoreTransaction, progress: Progress, active: boolean) => Answer | Promise<Answer>;

function storageOf(tx: StoreTransaction, { entry, operation }: Target): WriteStorage {
  if (operation.wholeStorage) return tx;
  return tx.scoped(storagePrefix(entry));
}

const NO_VERDICTS = new Verdicts();

/** What a handler gets to see. */
export function engineRequest(core: ReadStorage, progress: Progress, found: Target, isJudged: boolean): { readonly made: EngineRequest<never>; readonly warnings: readonly string[] } {
  const { request, body = {}, token, wrapTtlSeconds } = progress;
  const operation = request.operation as OperationName;
  const built = buildInput(found.match, body, operation === "update" || operation === "patch");
  const made: EngineRequest<unknown> = {
    id: request.id,
    operation,
    path: found.path,
    input: built.input,
    body,
    given: built.given,
    caller: isJudged && token ? callerOf(token) : undefined,
    identity: () => (isJudged && token ? identityOf(core, token.entityId) : undefined),
    ownToken: isOfCore(found.entry) ? request.token : undefined,
    remoteAddress: request.remoteAddress,
    remotePort: request.remotePort,
    verdicts: isOfCore(found.entry) ? progress.verdicts : NO_VERDICTS,
    headers: request.headers,
    wrapTtlSeconds,
    stream: request.stream,
    clientCertificate: request.clientCertificate,
    clientIntermediates: request.clientIntermediates ?? [],
  };
  return { made: made as EngineRequest<never>, warnings: built.warnings };
}

export function createEvaluator({ options, trail, mountOf }: EvaluatorParts): Evaluator {
  const { env, store, engineFor } = options;
  const reach = (tx: StoreTransaction) => (uuid: string) => origin(tx, uuid, { engineFor, mountOf });
  const apart: Apart = async (work) => {
    const { value, outcome } = await store.transact((tx) => work(tx.scoped("core/"), reach(tx)));
    if (outcome.outcome !== "applied") throw new RequestError("no_active_node", "a part of the request could not be committed; try again");
    return value;
  };
  const viewFor = (tx: StoreTransaction, progress: Progress, { entry, mountPath, operation, compiled: { engine } }: Target): WriteMount => {
    const mount = mountOf(entry);
    if (progress.request.operation === "scan") return { ...mount, allows: allowedBelow(tx.scoped("core/"), progress.token, mountPath, progress.wrapTtlSeconds, env.now()) };
    if (operation.effect !== "write") return mount;
    if (isOfCore(entry)) return { ...mount, neighbour: reach(tx), apart };
    if (!engine.intents) return mount;
    progress.intents ??= createIntentLedger(store, env);
    return { ...mount, intents: progress.intents.intents(tx, entry, engine), password: (policy) => passwordBy(tx.scoped("core/"), policy, env) };
  };
  return (tx, progress, active) => {
    const core = tx.scoped("core/");
    const { request } = progress;
    Object.assign(progress, newEvaluation(request));
    progress.body = parseBody(request, request.operation as OperationName);
    progress.wrapTtlSeconds = parseWrapTtl(request);
    progress.token = identify(core, request.token, request.remoteAddress, env);
    // Records are made when the view is gone.
    const isRecorded = options.audit.enabled(core);
    if (isRecorded && progress.token) progress.identityPolicies = identityOf(core, progress.token.entityId)?.policies ?? [];
    let found: Target;
    try {
      found = target(core, options.engineFor, request.path, request.operation as OperationName);
    } catch (error) {
      if (!active && isLimited(progress)) return FORWARD_WRITE;
      // Who may not use a path does not learn whether anything is there.
      if (judge(core, progress, false, env.now()).length > 0) throw denied();
      throw error;
    }
    const routed: Routed = { options, env, core, storage: storageOf(tx, found), mount: viewFor(tx, progress, found), target: found, progress };
    progress.target = found;
    progress.operation = effectiveOperation(routed);
    if (isRecorded) progress.operation();
    const access = accessOf(request, found);
    const elsewhere = active ? undefined : forwarding(routed, access !== "none");
    if (elsewhere) return elsewhere;
    if (found.operation.precheck) found.operation.precheck(engineRequest(core, progress, found, false).made, routed.storage, routed.mount);
    const methods = access === "none" ? welcome(core, progress, found, env.now()) : judge(core, progress, access === "sudo", env.now());
    if (access !== "none" && progress.token) options.activity?.seen(progress.token);
    if (methods.length > 0 && !active) return found.operation.thisNode ? refuseStepUpHere() : FORWARD_WRITE;
    const refused = methods.length > 0 ? stepUp(routed, methods) : undefined;
    const go = () => handle(routed, refused);
    const logged = isRecorded ? trail.asked(core, progress) : undefined;
    return logged ? logged.then(go) : go();
  };
}

/** As its path declares it, unless the listener that it came in by says otherwise. */
function accessOf({ openPaths, tokenOnly, path }: Progress["request"], { operation: { access = "token" } }: Target): NonNullable<Operation<Fields, unknown>["access"]> {
  if (openPaths?.includes(path)) return "none";
  return tokenOnly && access === "none" ? "sudo" : access;
}

/** The second factors that are demanded. Throws RequestError 403. */
function judge(core: WriteStorage, progress: Progress, needsSudo: boolean, now: number): readonly string[] {
  const { request, token, body = {}, wrapTtlSeconds } = progress;
  progress.spending = isLimited(progress) ? token : undefined;
  progress.access = token && { allowed: false, grantingPolicies: [] };
  const exists = () => progress.operation() !== "create";
  const { grantingPolicies, mfaMethods } = authorize(core, token, request.token, { path: request.path, operation: request.operation as OperationName, needsSudo, body, wrapTtlSeconds, exists }, now);
  progress.access = { allowed: true, grantingPolicies };
  return mfaMethods;
}

/** The second factors that are demanded of whoever uses an open path; reads of those are everybody's. */
function welcome(core: WriteStorage, progress: Progress, { operation }: Target, now: number): readonly string[] {
  const { request, token, body = {}, wrapTtlSeconds } = progress;
  progress.access = { allowed: true, grantingPolicies: [] };
  if (operation.effect === "read") return [];
  return openPathMethods(core, token, { path: request.path, operation: request.operation as OperationName, body, wrapTtlSeconds, exists: () => true }, now);
}

/** Undefined: the second factors are good. The request's own write set uses them up, or counts the wrong guess. */
function stepUp({ core, env, progress }: Routed, methods: readonly string[]): RequestError | undefined {
  const { request, verdicts } = progress;
  const shown: StepUp = { methods, entityId: progress.token?.entityId ?? "", header: request.headers["x-vault-mfa"], remoteAddress: request.remoteAddress, verdicts };
  const refused = validateStepUp(core, shown, env);
  if (refused) progress.access = { allowed: false, grantingPolicies: [] };
  else progress.stepUp = shown;
  return refused;
}

function refuseStepUpHere(): never {
  throw invalid("this path demands step-up MFA, which a standby node cannot check; ask the active node");
}

function effectiveOperation({ core, target: found, storage, mount, progress }: Routed): Progress["operation"] {
  const { operation } = progress.request;
  const { exists } = found.match.declaration;
  if (operation !== "update" || !exists) return () => operation;
  const isThere = () => {
    try {
      return exists(engineRequest(core, progress, found, true).made, storage, mount);
    } catch (error) {
      // What is wrong with the input, the handler's turn will tell, if the caller may know.
      if (error instanceof RequestError) return true;
      throw error;
    }
  };
  let known: "create" | "update" | undefined;
  return () => (known ??= isThere() ? "update" : "create");
}

/** What a standby can tell will write, before it does or records anything. */
function forwarding({ target: { operation }, progress }: Routed, usesToken: boolean): Answer | undefined {
  const isSpent = usesToken && isLimited(progress);
  if (operation.thisNode) {
    if (isSpent) throw invalid("a token with limited uses cannot be used on this path of a standby node");
    return undefined;
  }
  if (operation.effect === "write" || isSpent || progress.wrapTtlSeconds > 0) return FORWARD_WRITE;
  return operation.activeOnly ? { kind: "forward", reason: "active-only" } : undefined;
}

/** `refused`: in place of the handler's answer. */
function handle(routed: Routed, refused: RequestError | undefined): Answer | Promise<Answer> {
  const { target: found, storage, mount, core, progress } = routed;
  const { spending } = progress;
  const isLastUse = spending?.numUses === 1;
  // Before the handler, which may look the token up or renew it. One that is used up with this request it still has to find.
  if (spending && !isLastUse) useToken(core, spending);
  const spend = (answer: Answer) => (spending && isLastUse ? useUp(routed, spending, answer) : answer);
  if (refused) return spend({ kind: "refused", error: refused });
  const unwrapped = spending && isLastUse ? cubbyholeResponse(core, spending, progress.request, routed.env) : undefined;
  const { made, warnings } = engineRequest(core, progress, found, true);
  refuseLocked(routed, made);
  return then(unwrapped ?? found.operation.handler(made, storage, mount), (response) => then(settle(routed, response, warnings), spend));
}

/** Whoever is locked out is refused before anything that they show is looked at. Throws RequestError 403. */
function refuseLocked({ options, env, core, storage, target: { entry, operation }, progress }: Routed, made: EngineRequest<never>): void {
  const alias = operation.effect === "write" ? operation.loginAs?.(made, storage) : undefined;
  if (!alias) return;
  const rules = lockoutRules(options.lockout ?? {}, entry);
  if (rules.disabled) return;
  if (isLocked(core, entry, alias, rules, env.now())) throw denied();
  progress.login = { mount: entry, alias, rules };
}

function settle({ options, env, core, mount, target: { compiled }, progress }: Routed, response: Response | undefined, fieldWarnings: readonly string[]): Answer | Promise<Answer> {
  const { request, token, wrapTtlSeconds } = progress;
  if (response === undefined) {
    const isRead = request.operation === "read" || request.operation === "list" || request.operation === "scan";
    if (isRead) return { kind: "miss", warnings: [] };
  } else if (response.kind === "refusal") return { kind: "refused", error: response.error };
  else if (response.kind !== "envelope") return { kind: "other", response };
  const envelope = response ?? EMPTY;
  if (envelope.grant && progress.login) forgetFailures(core, progress.login.mount, progress.login.alias);
  // An answer without content stays one: Vault then says nothing of ignored fields either.
  const warnings = hasContent(envelope) ? fieldWarnings : [];
  const loginRole = () => compiled.engine.roleOfLogin?.(envelope.grant?.internalData ?? {}) ?? "";
  const mfa = { header: request.headers["x-vault-mfa"], remoteAddress: request.remoteAddress, verdicts: progress.verdicts };
  const sealed = finishResponse({ storage: core, response: envelope, warnings, mount, path: request.path, token, wrapTtlSeconds, requestId: request.id, mfa, loginRole, env });
  if ("kind" in sealed) return { kind: "refused", error: sealed.error };
  const { wrapInfo } = sealed;
  if (!wrapInfo || !isJwtAsked(request)) return { kind: "envelope", sealed };
  return asJwt(core, wrapInfo, options.apiAddress?.() ?? "", env).then((inJwt) => ({ kind: "envelope", sealed: { ...sealed, wrapInfo: inJwt } }));
}

function useUp({ env, core }: Routed, token: TokenEntry, answer: Answer): Promise<Answer> {
  const hasSecret = answer.kind === "envelope" && answer.sealed.response.secret !== undefined;
  const last: Answer = hasSecret ? { kind: "refused", error: invalid(SECRET_OF_LAST_USE) } : answer;
  return revokeTree(core, token.id, tokenRemoved(env)).then(() => last);
}

const isLimited = ({ token }: Progress): boolean => token !== undefined && token.numUses > 0;

const FORWARD_WRITE: Answer = Object.freeze({ kind: "forward", reason: "write" });
const EMPTY: EnvelopeResponse = Object.freeze({ kind: "envelope", data: null });
const SECRET_OF_LAST_USE = "Secret cannot be returned; token had one use left, so leased credentials were immediately revoked.";

function hasContent({ data, auth, grant, secret, lease, warnings }: EnvelopeResponse): boolean {
  return data !== null || auth !== undefined || grant !== undefined || secret !== undefined || lease !== undefined || (warnings?.length ?? 0) > 0;
}

/** One use of a limited token whose request failed: failing is no way to guess without end. */
export async function spendOnFailure(options: Pick<CoreOptions, "store" | "env">, token: TokenEntry): Promise<void> {
  const { store, env } = options;
  await store.transact(async (tx) => {
    const core = tx.scoped("core/");
    const current = findToken(core, token.id, env);
    if (current && current.numUses > 0 && useToken(core, current)) await revokeTree(core, current.id, tokenRemoved(env));
  });
}

/** Second factors of a request that failed after they were found good: nobody may use them again. */
export async function useUpStepUp({ store, env }: Pick<CoreOptions, "store" | "env">, shown: StepUp): Promise<void> {
  try {
    await store.transact((tx) => void validateStepUp(tx.scoped("core/"), shown, env));
  } catch (error) {
    // What a service was not asked is not used either.
    if (!(error instanceof FactorNeeded)) throw error;
  }
}

/** A failed login, in the store. What the caller gets for it: the error as it is, or, where others locked the user meanwhile, a denial. */
export async function countFailedLogin({ store, env }: Pick<CoreOptions, "store" | "env">, { mount, alias, rules }: Login, error: RequestError): Promise<RequestError> {
  const { value, outcome } = await store.transact((tx) => {
    const core = tx.scoped("core/");
    return error.code === "unknown_user" ? countForNobody(core, mount, alias, rules, env) : countFailure(core, mount, alias, rules, env);
  });
  if (outcome.outcome !== "applied") throw new RequestError("overloaded", "the failed login could not be recorded; try again");
  return value ? error : denied();
}
