import { clientGone, errorResponse, RequestError } from "@coffer/state-machine";
import type { ApiRequest, ApiResponse, Core, Description, Handled, ReplicatedLog } from "@coffer/state-machine";
import type { Asked } from "../forwarding/client.js";
import type { ReadPoints } from "./read-points.js";
import type { StateHeader } from "./state-header.js";

/** Decides where a request is answered: here, here after a read point, or on the active node. */
export interface RequestGateway {
  /** Never rejects. */
  handle(request: ApiRequest): ApiResponse | Promise<ApiResponse>;
  /** A request that another node forwarded. Undefined: this node is not the active one, and has done nothing. */
  handleForwarded(request: ApiRequest): Promise<ApiResponse | undefined>;
  takesStream(request: Pick<ApiRequest, "path" | "operation">): boolean;
}

export interface GatewayOptions {
  readonly core: Core;
  readonly log: ReplicatedLog;
  readonly readPoints: ReadPoints;
  readonly stateHeader: StateHeader;
  readonly isSealed: () => boolean;
  /** Leads, has applied its own first entry, and is unsealed. */
  readonly isActive: () => boolean;
  /** Leads, unsealed, and is not active: what has to be there before the first request is served is not. */
  readonly isHeldBack: () => boolean;
  /** Asks the active node. Never rejects. */
  readonly forward: (request: ApiRequest, isRepeatable: boolean) => Promise<Asked>;
  /** URL; empty while nobody else is known to be active. */
  readonly activeApiAddress: () => string;
  /** Why nobody leads where this node is alone, as a message. */
  readonly storageFault?: () => string | undefined;
  readonly nodeId: string;
  /** X-Vault-Forward is honoured. */
  readonly forwardOnDemand: boolean;
  /** How long a request waits for somebody to lead; default 10 seconds. Milliseconds. */
  readonly leaderPatienceMs?: number;
}

const LEADER_PATIENCE_MS = 10_000;
/** How long a request waits for a state that its client has seen elsewhere. Milliseconds. */
const STATE_PATIENCE_MS = 1000;
const RETRY_PAUSE_MS = 20;
const CLIENT_ERROR = 400;
const SERVER_ERROR = 500;

const PLAIN_READ: Description = Object.freeze({ effect: "read", whileSealed: false, thisNode: false, activeOnly: false, rawBody: false });

const pause = (milliseconds: number) => new Promise<void>((wake) => setTimeout(wake, milliseconds));

export function createRequestGateway(options: GatewayOptions): RequestGateway {
  const { core, log, isActive, leaderPatienceMs = LEADER_PATIENCE_MS } = options;

  const failed = (error: RequestError): ApiResponse => errorResponse(error, log.appliedIndex());
  const nobodyLeads = () => failed(new RequestError("no_active_node", options.storageFault?.() ?? "no active Vault instance found: the cluster has no leader that is unsealed and reaches a majority"));

  // A request with a body is asked about twice: whether that is a stream, and once it is there, where to answer.
  const known = new WeakMap<object, Description | RequestError>();

  /** An unknown path is evaluated as a read: the pipeline says what is wrong with it. */
  function describe(request: Pick<ApiRequest, "path" | "operation">): Description | RequestError | undefined {
    try {
      return core.describe(request);
    } catch (error) {
      if (error instanceof RequestError) return error;
      throw error;
    }
  }

  /**
   * A write that was refused, or found nothing to write, was decided by what this node knew. Had another one led by then (this one
   * may have stood still), that was the past; so it must still lead afterwards. Undefined where it does not: somebody else decides.
   */
  async function confirmed(request: ApiRequest, term: number, handled: Handled): Promise<Handled | undefined> {
    if (handled.kind !== "response" || handled.isCommitted || request.stream) return handled;
    // What may have taken effect, and says so, must never be done again.
    if (handled.response.status >= SERVER_ERROR) return handled;
    // Those that steer the cluster work on this node, not on what is stored: leading may be what they end, and a majority what they lack.
    if (request.path.startsWith(handled.response.status < CLIENT_ERROR ? "sys/" : "sys/storage/raft/")) return handled;
    const point = await options.readPoints.next();
    const now = log.leadership();
    return point.outcome === "ready" && now.isLeader && now.term === term ? handled : undefined;
  }

  async function writeHere(request: ApiRequest): Promise<ApiResponse> {
    const { term } = log.leadership();
    const handled = await confirmed(request, term, await core.handle(request, { active: isActive() }));
    return handled ? finish(request, handled) : elsewhere(request, false);
  }

  function here(request: ApiRequest): ApiResponse | Promise<ApiResponse> {
    const handled = core.handle(request, { active: isActive() });
    return handled instanceof Promise ? handled.then((done) => finish(request, done)) : finish(request, handled);
  }

  function finish(request: ApiRequest, handled: Handled): ApiResponse | Promise<ApiResponse> {
    return handled.kind === "response" ? handled.response : elsewhere(request, handled.reason !== "write");
  }

  /** Answers as the active node. Undefined where this is not it, or not any more: then nothing was done. */
  async function asActive(request: ApiRequest): Promise<ApiResponse | undefined> {
    if (!isActive()) return undefined;
    const described = describe(request);
    if (described instanceof RequestError) return failed(described);
    if (described?.effect !== "write") {
      const point = await options.readPoints.next();
      if (point.outcome === "no-leader" || !isActive()) return undefined;
    }
    const { term } = log.leadership();
    const handled = await core.handle(request, { active: true });
    const known = described?.effect === "write" ? await confirmed(request, term, handled) : handled;
    return known?.kind === "response" ? known.response : undefined;
  }

  async function askActive(request: ApiRequest, isRepeatable: boolean): Promise<ApiResponse | undefined> {
    const asked = await options.forward({ ...request, forwardedFrom: options.nodeId }, isRepeatable);
    switch (asked.kind) {
      case "response":
        return asked.response;
      case "too-large":
        return failed(new RequestError("too_large", "the request is too large to be forwarded; ask the active node"));
      case "lost":
        return isRepeatable ? undefined : failed(new RequestError("no_active_node", "the active node was lost while it worked on this request; it may or may not have taken effect"));
      case "unsent":
      case "not-active":
      case "taken":
      case "unwanted":
      case "echo":
        return undefined;
    }
  }

  /** `isRepeatable`: what was lost on the way may be asked again, because it changes nothing. */
  async function elsewhere(request: ApiRequest, isRepeatable: boolean): Promise<ApiResponse> {
    if (request.headers["x-vault-no-request-forwarding"] !== undefined) return redirect(request);
    const deadline = Date.now() + leaderPatienceMs;
    for (;;) {
      if (request.isAbandoned?.()) return failed(clientGone());
      if (request.stream?.readableDidRead) return failed(new RequestError("no_active_node", "the active node was lost while it took this upload; try again"));
      const response = await (isActive() ? asActive(request) : askActive(request, isRepeatable));
      if (response) return response;
      if (Date.now() >= deadline) return nobodyLeads();
      await pause(RETRY_PAUSE_MS);
    }
  }

  function redirect(request: ApiRequest): ApiResponse {
    const address = options.activeApiAddress();
    if (address === "") return nobodyLeads();
    const pairs = Object.entries(request.query).flatMap(([name, value]) => (typeof value === "string" ? [value] : value).map((one): [string, string] => [name, one]));
    const query = new URLSearchParams(pairs).toString();
    const Location = `${address.replace(/\/$/, "")}/v1/${request.path.split("/").map(encodeURIComponent).join("/")}${query === "" ? "" : `?${query}`}`;
    return { status: 307, headers: { Location }, contentType: "", body: null, index: log.appliedIndex() };
  }

  async function read(request: ApiRequest): Promise<ApiResponse> {
    const point = await options.readPoints.next();
    if (request.isAbandoned?.()) return failed(clientGone());
    if (point.outcome === "no-leader") return nobodyLeads();
    const required = options.stateHeader.required(request.headers["x-vault-index"]);
    if (required > log.appliedIndex() && !(await log.waitApplied(required, STATE_PATIENCE_MS))) return stale(request);
    if (request.isAbandoned?.()) return failed(clientGone());
    return here(request);
  }

  function stale(request: ApiRequest): ApiResponse | Promise<ApiResponse> {
    if (request.headers["x-vault-inconsistent"] === "forward-active-node" && !isActive()) return elsewhere(request, true);
    return failed(new RequestError("stale_index", "required index state not present"));
  }

  /** Of an engine's reads some are for the active node only, which the pipeline tells; beyond that there is nothing to find out. */
  function isPlainRead({ operation, path }: ApiRequest): boolean {
    return operation === "read" && !path.startsWith("sys/") && !options.isSealed();
  }

  return {
    takesStream(request) {
      const described = describe(request);
      if (described) known.set(request, described);
      return described !== undefined && !(described instanceof RequestError) && described.rawBody;
    },
    handle(request) {
      const described = known.get(request) ?? (isPlainRead(request) ? PLAIN_READ : describe(request));
      if (described instanceof RequestError) return failed(described);
      if (described?.whileSealed || described?.thisNode) return here(request);
      if (!isActive()) {
        const isAsked = options.forwardOnDemand && request.headers["x-vault-forward"] === "active-node";
        if (described?.effect === "write") return elsewhere(request, false);
        if (described?.activeOnly || isAsked || options.isHeldBack()) return elsewhere(request, true);
      } else if (described?.effect === "write") return writeHere(request);
      return read(request);
    },
    handleForwarded: asActive,
  };
}
