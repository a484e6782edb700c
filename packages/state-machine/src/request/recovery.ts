import { RequestError, denied } from "../errors.js";
import type { CompiledEngine, EnvelopeResponse, Environment, OperationName, Response } from "../framework/index.js";
import type { Store } from "../store/index.js";
import type { ReplicatedLog } from "../store/replicated-log.js";
import { toHandled } from "./answer.js";
import type { Answer } from "./answer.js";
import type { ApiRequest, ApiResponse } from "./api.js";
import type { Target } from "./core.js";
import { errorResponse } from "./envelope.js";
import { engineRequest } from "./evaluate.js";
import { mountView } from "./mount-view.js";
import { parseBody } from "./parse.js";
import { newProgress } from "./progress.js";
import { SYS_MOUNT, SYSTEM_ENTRY } from "./route.js";

/**
 * The service of a node in recovery mode: a quorum of share holders makes one token, and with that the stored values can be
 * read and changed. No mounts, policies, leases or audit devices are looked at, since any of them may be what is broken.
 */
export interface RecoveryCoreOptions {
  /** Of sys/, with what is served in this mode. */
  readonly engine: CompiledEngine;
  readonly services: unknown;
  readonly store: Store;
  readonly log: Pick<ReplicatedLog, "readBarrier" | "appliedIndex">;
  readonly env: Environment;
  readonly isSealed: () => boolean;
  /** In constant time. */
  readonly isToken: (text: string) => boolean;
  /** For the log: what is done to which key. */
  readonly note: (operation: OperationName, path: string) => void;
  readonly onInternalError: (error: unknown) => void;
}

const ELSEWHERE = "this node runs in recovery mode: it serves sys/raw and sys/generate-recovery-token, and nothing else";
const RAW = "raw/";
/** A node alone leads within its first election timeout. Milliseconds. */
const LEADING_MS = 20_000;
const PAUSE_MS = 50;
const EMPTY: EnvelopeResponse = Object.freeze({ kind: "envelope", data: null });

/** Never rejects: failures are answers. */
export function createRecoveryCore(options: RecoveryCoreOptions): (request: ApiRequest) => Promise<ApiResponse> {
  const { store, log, env, engine: compiled } = options;
  const mount = mountView({ limits: { defaultLeaseTtl: 0, maxLeaseTtl: 0 }, env, servicesFor: () => options.services })(SYSTEM_ENTRY);

  function target({ path, operation }: ApiRequest): Target {
    const below = path.startsWith(SYS_MOUNT) ? path.slice(SYS_MOUNT.length) : undefined;
    const name = operation as OperationName;
    const match = below === undefined ? undefined : compiled.match(below, name === "list");
    if (below === undefined || !match) throw new RequestError("not_found", ELSEWHERE);
    const found = match.declaration.operations[name];
    if (!found) throw new RequestError("unsupported_operation", "unsupported operation");
    return { entry: SYSTEM_ENTRY, mountPath: SYS_MOUNT, path: below, match, operation: found, compiled };
  }

  /** What its log holds is applied, and it may write. Throws RequestError 503. */
  async function settled(): Promise<void> {
    for (const end = Date.now() + LEADING_MS; ; ) {
      if ((await log.readBarrier()).outcome === "ready") return;
      if (Date.now() > end) throw new RequestError("no_active_node", "this node has not taken up its log yet; try again");
      await new Promise((wake) => setTimeout(wake, PAUSE_MS));
    }
  }

  async function guard(request: ApiRequest, found: Target): Promise<void> {
    if (found.operation.access === "none") return;
    if (options.isSealed()) throw new RequestError("sealed", "Vault is sealed: make a recovery token first");
    if (request.token === undefined || !options.isToken(request.token)) throw denied();
    options.note(request.operation as OperationName, found.path.slice(RAW.length));
    await settled();
  }

  async function answer(asked: ApiRequest): Promise<ApiResponse> {
    const request: ApiRequest = asked.operation === "head" ? { ...asked, operation: "read" } : asked;
    const found = target(request);
    await guard(request, found);
    const progress = { ...newProgress(request), body: parseBody(request, request.operation as OperationName) };
    const { value, outcome } = await store.transact(async (tx) => {
      const { made, warnings } = engineRequest(tx.scoped("core/"), progress, found, false);
      return answerOf(request, await found.operation.handler(made, tx, mount), warnings);
    });
    if (outcome.outcome !== "applied") throw new RequestError("no_active_node", "the change could not be stored; try again");
    const handled = toHandled(request, value, store.index());
    if (handled.kind === "response") return handled.response;
    throw new Error("a node in recovery mode has nobody to forward to");
  }

  return (request) =>
    answer(request).catch((error: unknown) => {
      if (error instanceof RequestError) return errorResponse(error, 0);
      options.onInternalError(error);
      return errorResponse(new RequestError("internal", "internal error"), 0);
    });
}

function answerOf({ operation }: ApiRequest, response: Response | undefined, warnings: readonly string[]): Answer {
  if (response === undefined && (operation === "read" || operation === "list")) return { kind: "miss", warnings: [] };
  const made = response ?? EMPTY;
  if (made.kind === "refusal") throw made.error;
  if (made.kind !== "envelope") return { kind: "other", response: made };
  return { kind: "envelope", sealed: { response: made, auth: null, lease: undefined, wrapInfo: null, warnings: made.data === null ? [] : warnings, mountType: "system" } };
}
