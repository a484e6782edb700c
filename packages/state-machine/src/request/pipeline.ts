import { RequestError } from "../errors.js";
import { buildInput, engineHelp, openApiDocument, pathHelp } from "../framework/index.js";
import type { EngineRequest, Mount, MountEntry, OperationName, Response } from "../framework/index.js";
import { revokeTree, useToken } from "../tokens/index.js";
import { tokenRemoved } from "../leases/index.js";
import type { AuditRecord } from "../audit/index.js";
import type { Evaluated, StoreTransaction } from "../store/index.js";
import type { ApiRequest, ApiResponse, Handled } from "./api.js";
import { authorize, callerOf, identify } from "./authorize.js";
import type { Authorized } from "./authorize.js";
import type { Core, CoreOptions, Target } from "./core.js";
import { envelopeResponse, errorResponse, missResponse } from "./envelope.js";
import type { Sealed } from "./envelope.js";
import { finishResponse } from "./finish.js";
import { then } from "./maybe.js";
import { parseBody, parseWrapTtl } from "./parse.js";
import { sealedTarget, target } from "./route.js";
import { route as routeMount } from "../mounts/index.js";

/** A conflicting request is evaluated again; so often only when many write the same key at once. */
const MAX_ATTEMPTS = 20;

/** What one evaluation found out; audit and answer are made from it. */
interface Outcome {
  readonly target: Target;
  readonly authorized: Authorized | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  readonly result: { readonly kind: "sealed"; readonly sealed: Sealed } | { readonly kind: "other"; readonly response: Exclude<Response, { kind: "envelope" }> } | { readonly kind: "miss"; readonly warnings: readonly string[] };
}

/** Told to the request's own attempts, so that a second evaluation does not write a second audit line. */
interface Attempt {
  requestAudited: boolean;
  seen: { target?: Target; authorized?: Authorized; body?: Readonly<Record<string, unknown>> };
}

const response = (value: ApiResponse): Handled => ({ kind: "response", response: value });

export function createCore(options: CoreOptions): Core {
  const { store, log, env, limits, audit } = options;

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

  /** System and token engines are the core's own: their storage is `core/`. */
  function storageOf(tx: StoreTransaction, entry: MountEntry) {
    return entry.type === "system" || entry.type === "token" ? tx.scoped("core/") : tx.scoped(`logical/${entry.uuid}/`);
  }

  function engineRequest(request: ApiRequest, found: Target, body: Readonly<Record<string, unknown>>, authorized: Authorized | undefined, wrapTtlSeconds: number) {
    const operation = request.operation as OperationName;
    const built = buildInput(found.match, body, operation === "update" || operation === "patch");
    const made: EngineRequest<unknown> = {
      id: request.id,
      operation,
      path: found.path,
      input: built.input,
      body,
      given: built.given,
      caller: authorized?.caller,
      ownToken: found.entry.type === "token" || found.entry.type === "system" ? request.token : undefined,
      remoteAddress: request.remoteAddress,
      remotePort: request.remotePort,
      headers: request.headers,
      wrapTtlSeconds,
      stream: request.stream,
      clientCertificate: request.clientCertificate,
    };
    return { made, warnings: built.warnings };
  }

  /** One evaluation, from the routed path to what goes over the wire. Throws RequestError. */
  function evaluate(tx: StoreTransaction, request: ApiRequest, attempt: Attempt): Outcome | Promise<Outcome> {
    const core = tx.scoped("core/");
    const operation = request.operation as OperationName;
    const token = identify(core, request.token, request.remoteAddress, env);
    const body = parseBody(request, operation);
    attempt.seen = { body };
    const wrapTtlSeconds = parseWrapTtl(request);
    const found = targetOrDenial(core, request, operation, token !== undefined);
    attempt.seen = { body, target: found };
    const mount = mountOf(found.entry);
    const storage = storageOf(tx, found.entry);
    const access = found.operation.access ?? "token";
    let authorized: Authorized | undefined;
    if (access === "none") authorized = token && { token, caller: callerOf(token), grantingPolicies: [] };
    else {
      const exists = () => {
        const { declaration } = found.match;
        if (!declaration.exists) return true;
        return declaration.exists(engineRequest(request, found, body, undefined, wrapTtlSeconds).made as EngineRequest<never>, storage, mount);
      };
      authorized = authorize(core, token, request.token, { path: request.path, operation, needsSudo: access === "sudo", body, wrapTtlSeconds, exists });
    }
    attempt.seen = { body, target: found, ...(authorized && { authorized }) };
    const handle = (): Outcome | Promise<Outcome> => {
      const { made, warnings } = engineRequest(request, found, body, authorized, wrapTtlSeconds);
      return then(found.operation.handler(made as EngineRequest<never>, storage, mount), (answer) => {
        const outcome = settle(tx, { request, found, mount, authorized, body, wrapTtlSeconds, warnings, answer });
        if (!authorized || authorized.token.numUses <= 0) return outcome;
        return spendUse(tx, authorized, outcome);
      });
    };
    if (!audit.enabled(core) || attempt.requestAudited) return handle();
    attempt.requestAudited = true;
    return audit.log(core, auditRecord("request", request, attempt, undefined, undefined)).then(handle);
  }

  /** Who may not know what exists learns only that it is denied. */
  function targetOrDenial(core: ReturnType<StoreTransaction["scoped"]>, request: ApiRequest, operation: OperationName, known: boolean): Target {
    try {
      return target(core, options.engineFor, request.path, operation);
    } catch (error) {
      if (known || !(error instanceof RequestError)) throw error;
      throw new RequestError("permission_denied", "permission denied");
    }
  }

  interface Answered {
    readonly request: ApiRequest;
    readonly found: Target;
    readonly mount: Mount<unknown>;
    readonly authorized: Authorized | undefined;
    readonly body: Readonly<Record<string, unknown>>;
    readonly wrapTtlSeconds: number;
    readonly warnings: readonly string[];
    readonly answer: Response | undefined;
  }

  function settle(tx: StoreTransaction, { request, found, mount, authorized, body, wrapTtlSeconds, warnings, answer }: Answered): Outcome {
    const base = { target: found, authorized, body };
    if (answer === undefined) {
      const isRead = request.operation === "read" || request.operation === "list" || request.operation === "scan";
      if (isRead) return { ...base, result: { kind: "miss", warnings } };
    } else if (answer.kind !== "envelope") return { ...base, result: { kind: "other", response: answer } };
    const sealed = finishResponse({ storage: tx.scoped("core/"), response: answer ?? { kind: "envelope", data: null }, warnings, mount, path: request.path, token: authorized?.token, wrapTtlSeconds, requestId: request.id, env });
    return { ...base, result: { kind: "sealed", sealed } };
  }

  function spendUse(tx: StoreTransaction, authorized: Authorized, outcome: Outcome): Outcome | Promise<Outcome> {
    const core = tx.scoped("core/");
    const isLast = useToken(core, authorized.token);
    return isLast ? revokeTree(core, authorized.token.id, tokenRemoved(env)).then(() => outcome) : outcome;
  }

  function auditRecord(type: "request" | "response", request: ApiRequest, attempt: Attempt, outcome: Outcome | undefined, error: string | undefined): AuditRecord {
    const { target: found, authorized, body } = attempt.seen;
    const sealed = outcome?.result.kind === "sealed" ? outcome.result.sealed : undefined;
    return {
      type,
      time: env.now(),
      request,
      operation: request.operation === "update" && found?.match.declaration.exists ? "update" : request.operation,
      data: body ?? null,
      token: authorized?.token,
      grantingPolicies: authorized?.grantingPolicies ?? [],
      mount: found?.entry,
      error,
      response: type === "request" ? undefined : { data: sealed?.wrapInfo ? null : (sealed?.response.data ?? null), auth: sealed?.wrapInfo ? null : (sealed?.auth as unknown as Record<string, unknown> | null) ?? null, wrapInfo: sealed?.wrapInfo as unknown as Record<string, unknown> | null ?? null, warnings: sealed?.warnings ?? [], leaseId: sealed?.lease?.id ?? "" },
    };
  }

  function toApi(request: ApiRequest, { result }: Outcome, index: number): ApiResponse {
    if (result.kind === "miss") return missResponse(index, result.warnings);
    if (result.kind === "sealed") return envelopeResponse(request.id, result.sealed, index);
    const { response: other } = result;
    if (other.kind === "plain") return { status: other.status, headers: {}, contentType: "application/json", body: `${JSON.stringify(other.body)}\n`, index };
    return { status: other.status, headers: other.headers ?? {}, contentType: other.contentType, body: other.body, index };
  }

  function failure(request: ApiRequest, attempt: Attempt, error: unknown): Handled | Promise<Handled> {
    const known = error instanceof RequestError ? error : new RequestError("internal", "internal error");
    if (!(error instanceof RequestError)) options.onInternalError(request, error);
    const answer = () => response(errorResponse(known, store.index()));
    if (options.isSealed()) return answer();
    try {
      // Refused requests are in the audit log too, both lines of them.
      const { value: enabled } = store.evaluate((tx) => audit.enabled(tx.scoped("core/")));
      if (!enabled) return answer();
    } catch {
      return answer();
    }
    const message = known.messages.join("; ");
    const lines: AuditRecord[] = attempt.requestAudited ? [] : [auditRecord("request", request, attempt, undefined, message)];
    return logAll([...lines, auditRecord("response", request, attempt, undefined, message)]).then(answer, (cause: unknown) => response(errorResponse(cause as RequestError, store.index())));
  }

  async function logAll(records: readonly AuditRecord[]): Promise<void> {
    for (const record of records) await store.evaluate((tx) => audit.log(tx.scoped("core/"), record));
  }

  function succeed(request: ApiRequest, attempt: Attempt, outcome: Outcome, index: number): Handled | Promise<Handled> {
    const answer = response(toApi(request, outcome, index));
    if (!attempt.requestAudited) return answer;
    return logAll([auditRecord("response", request, attempt, outcome, undefined)]).then(() => answer);
  }

  /** Commits an evaluation, or says why it has to be evaluated again. */
  async function commit(request: ApiRequest, attempt: Attempt, evaluated: Evaluated<Outcome>, left: number): Promise<Handled> {
    const outcome = await store.commit(evaluated);
    switch (outcome.outcome) {
      case "applied":
        return succeed(request, attempt, evaluated.value, outcome.index);
      case "conflict":
        if (left <= 1) throw new RequestError("overloaded", "too many concurrent changes to the same data; try again");
        await log.waitApplied(outcome.index, 1000);
        return run(request, attempt, true, left - 1);
      case "not-leader":
        return { kind: "forward", reason: "write" };
      case "overloaded":
        throw new RequestError("overloaded", "the replication pipeline is full; try again");
      case "unknown":
        throw new RequestError("no_active_node", "leadership was lost while the request was committed; it may or may not have taken effect");
    }
  }

  function run(request: ApiRequest, attempt: Attempt, active: boolean, left: number): Handled | Promise<Handled> {
    // Typed by hand: the evaluation is a promise exactly when the handler's is.
    const evaluated = store.evaluate((tx): Outcome | Promise<Outcome> => evaluate(tx, request, attempt)) as Evaluated<Outcome> | Promise<Evaluated<Outcome>>;
    return then(evaluated, (done): Handled | Promise<Handled> => {
      if (done.writeSet === undefined) return succeed(request, attempt, done.value, done.index);
      if (!active) return { kind: "forward", reason: "write" };
      return commit(request, attempt, done, left);
    });
  }

  function guarded(request: ApiRequest, attempt: Attempt, action: () => Handled | Promise<Handled>): Handled | Promise<Handled> {
    try {
      const handled = action();
      return handled instanceof Promise ? handled.catch((error: unknown) => failure(request, attempt, error)) : handled;
    } catch (error) {
      return failure(request, attempt, error);
    }
  }

  /** sys/ paths that answer while sealed see no storage: they speak of the node. */
  function handleSealed(request: ApiRequest, found: Target): Handled | Promise<Handled> {
    const body = parseBody(request, request.operation as OperationName);
    const { made, warnings } = engineRequest(request, found, body, undefined, 0);
    const mount = mountOf(found.entry);
    return then(found.operation.handler(made as EngineRequest<never>, NO_STORAGE, mount), (answer) => {
      if (answer === undefined) return response(missResponse(store.index(), warnings));
      const sealed = answer.kind === "envelope" ? { kind: "sealed" as const, sealed: { response: answer, auth: null, lease: undefined, wrapInfo: null, warnings: [...(answer.warnings ?? []), ...warnings], mountType: "system" } } : { kind: "other" as const, response: answer };
      return response(toApi(request, { target: found, authorized: undefined, body, result: sealed }, store.index()));
    });
  }

  function help(request: ApiRequest): Handled {
    const { value } = store.evaluate((tx) => {
      const core = tx.scoped("core/");
      const token = identify(core, request.token, request.remoteAddress, env);
      if (!token) throw new RequestError("permission_denied", "permission denied");
      const operations: OperationName[] = ["read", "list", "update", "delete", "patch"];
      let found: Target | undefined;
      let miss: unknown;
      for (const operation of operations) {
        try {
          found ??= target(core, options.engineFor, request.path, operation);
        } catch (error) {
          miss = error;
        }
      }
      if (found) {
        const one = { ...found.compiled.engine, paths: [found.match.declaration] };
        return { help: pathHelp(found.mountPath, found.path, found.match.declaration), openapi: openApiDocument([{ mount: found.mountPath, engine: one }], "1") };
      }
      const engine = mountOnly(core, request.path);
      if (!engine) throw miss;
      return { help: engineHelp(engine.compiled.engine), openapi: openApiDocument([{ mount: engine.mountPath, engine: engine.compiled.engine }], "1") };
    });
    return response({ status: 200, headers: {}, contentType: "application/json", body: `${JSON.stringify(value)}\n`, index: store.index() });
  }

  function mountOnly(core: ReturnType<StoreTransaction["scoped"]>, path: string) {
    const found = routeMount(core, path);
    const compiled = found && options.engineFor(found.entry);
    return found && compiled && path.replace(/\/$/, "") === found.mountPath.replace(/\/$/, "") ? { compiled, mountPath: found.mountPath } : undefined;
  }

  return {
    mountOf,
    describe({ path, operation }) {
      const name = (operation === "head" ? "read" : operation) as OperationName;
      const sealed = sealedTarget(options.system, path, name);
      if (!sealed && options.isSealed()) throw new RequestError("sealed", "Vault is sealed");
      if (operation === "help") return undefined;
      let found = sealed;
      if (!found) {
        try {
          found = store.evaluate((tx) => target(tx.scoped("core/"), options.engineFor, path, name)).value;
        } catch (error) {
          if (error instanceof RequestError && error.code !== "sealed") return undefined;
          throw error;
        }
      }
      const { effect, whileSealed = false, thisNode = false, activeOnly = false, rawBody = false } = found.operation;
      return { effect, whileSealed, thisNode, activeOnly, rawBody };
    },
    handle(request, { active }) {
      const attempt: Attempt = { requestAudited: false, seen: {} };
      return guarded(request, attempt, () => {
        if (request.operation === "head") return this.handle({ ...request, operation: "read" }, { active });
        if (request.operation !== "help") {
          const sealed = sealedTarget(options.system, request.path, request.operation);
          if (sealed) return handleSealed(request, sealed);
        }
        if (options.isSealed()) throw new RequestError("sealed", "Vault is sealed");
        if (request.operation === "help") return help(request);
        return run(request, attempt, active, MAX_ATTEMPTS);
      });
    },
  };
}

const NO_STORAGE = Object.freeze({
  get: () => undefined,
  list: async () => [],
  keys: async () => [],
  put: () => {
    throw new RequestError("sealed", "Vault is sealed");
  },
  delete: () => {
    throw new RequestError("sealed", "Vault is sealed");
  },
});
