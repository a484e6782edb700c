import type { Readable } from "node:stream";
import { compileEngine, createActivityRecorder, createAuditBroker, createBarrier, createCore, createExpirationWorker, createMemoryLog, createRooms, createStore, initialize, stringifyDocument, systemEngine, writeGenesis } from "@coffer/state-machine";
import type { ApiRequest, AskFactor, CompiledEngine, Engine, MountEntry, Store } from "@coffer/state-machine";
import { engineFor as registeredEngine, mountableTypes as registeredTypes } from "../registry.js";
import { createTestClock, createTestEnvironment } from "./environment.js";
import type { TestClock } from "./environment.js";
import { fakeNodeServices } from "./node-services.js";

/**
 * A whole secrets service in memory, for tests of engines: the real store, barrier, mounts, policies, tokens, leases and
 * request pipeline, with a clock that the test moves and randomness from a seed. Only the node below it is a stand-in.
 *
 *     const { request, mount } = await createHarness();
 *     await mount("secret", "kv", { version: "2" });
 *     const answer = await request("POST", "secret/data/a", { data: { b: 1 } });
 */
export interface Harness {
  readonly rootToken: string;
  readonly clock: TestClock;
  readonly store: Store;
  /** As the root token, unless `token` says otherwise. Rejects where the service would have logged an internal error. */
  request(method: Method, path: string, body?: Body, options?: RequestOptions): Promise<Answer>;
  /** As `request`, for what speaks in bytes and headers. */
  exchange(method: Method, path: string, body?: Body, options?: RequestOptions): Promise<RawAnswer>;
  /** Enables a secrets engine, or with `auth/` in front an auth method, below `path`. */
  mount(path: string, type: string, options?: Readonly<Record<string, string>>): Promise<void>;
  /** Writes a policy, and makes a token with it (and `default`). */
  tokenWith(policy: string): Promise<string>;
  /** What periodic work wrote to the server's log so far. */
  readonly logged: readonly LoggedLine[];
  /** Does all the time-driven work that is due now: expiry of tokens and leases, engines' periodic work. */
  doDueWork(): Promise<void>;
}

export interface LoggedLine {
  readonly mount: string;
  readonly level: "info" | "warn";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface HarnessOptions {
  /** Engines beside those of the registry; what a new engine is tested with before it has its line there. */
  readonly engines?: readonly Engine[];
  readonly seed?: string;
  /** What the engine of a type may use of its node (`mount.services`). */
  readonly services?: Readonly<Record<string, unknown>>;
  /** Services of second factors. */
  readonly askFactor?: AskFactor;
}

export type Method = "GET" | "LIST" | "SCAN" | "POST" | "PUT" | "PATCH" | "DELETE" | "HELP";

/** An object goes as JSON; a string as it stands, for what JavaScript cannot say (numbers beyond 2^53, broken JSON). */
export type Body = Readonly<Record<string, unknown>> | string;

export interface RequestOptions {
  /** Undefined: the root token; empty: none. */
  readonly token?: string;
  /** Lower-cased names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly remoteAddress?: string;
  /** The body of an operation that takes bytes. */
  readonly stream?: Readable;
  /** DER, as the TLS connection would have shown it. */
  readonly clientCertificate?: Uint8Array;
  readonly clientIntermediates?: readonly Uint8Array[];
}

/** The parts of an envelope or error that tests look at; each is there if the answer had it. */
export interface AnswerBody {
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[] | null;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test says what it expects by asserting it
  readonly [member: string]: any;
}

export interface Answer {
  readonly status: number;
  /** Parsed JSON; an empty object where there is no body. */
  readonly body: AnswerBody;
  /** The body as sent, for numbers that a double cannot hold. */
  readonly text: string;
}

/** An answer as it is sent. */
export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

const OPERATIONS = { GET: "read", LIST: "list", SCAN: "scan", POST: "update", PUT: "update", PATCH: "patch", DELETE: "delete", HELP: "help" } as const satisfies Record<Method, ApiRequest["operation"]>;
/** Seconds; those of a server without settings (768 hours). */
const LIMITS = Object.freeze({ defaultLeaseTtl: 2_764_800, maxLeaseTtl: 2_764_800 });
const VERSION = "0.0.0";

export async function createHarness({ engines = [], seed = "seed", services = {}, askFactor }: HarnessOptions = {}): Promise<Harness> {
  const clock = createTestClock();
  const env = createTestEnvironment(clock, seed);
  const compiled = engines.map((engine) => compileEngine(engine));
  const system = compileEngine(systemEngine as unknown as Engine);
  const engineFor = (entry: MountEntry): CompiledEngine | undefined => {
    if (entry.type === "system") return system;
    return compiled.find(({ engine }) => engine.type === entry.type && engine.table === entry.table) ?? registeredEngine(entry);
  };
  const typesOf = (table: MountEntry["table"]) => [...registeredTypes[table], ...engines.filter((engine) => engine.table === table).map(({ type }) => type)];

  const { log, reader } = await createMemoryLog();
  const barrier = createBarrier();
  const store = createStore({ reader, log, barrier });
  const { value: genesis } = await store.transact(async (tx) => {
    const { keys } = await initialize(tx, { shares: 1, threshold: 1, env });
    barrier.unlock(keys);
    return writeGenesis(tx.scoped("core/"), env);
  });

  const failures: unknown[] = [];
  const audit = createAuditBroker((_device, error) => failures.push(error));
  const activity = createActivityRecorder({ store, env });
  const rooms = createRooms({ store, activity, env, limits: LIMITS, audit, engineFor, mountableTypes: { secret: typesOf("secret"), auth: typesOf("auth") }, version: VERSION });
  const systemServices = fakeNodeServices(rooms);
  const core = createCore({
    store,
    activity,
    log,
    isSealed: barrier.sealed,
    engineFor,
    system,
    servicesFor: (type) => (type === "system" ? systemServices : services[type]),
    env,
    limits: LIMITS,
    audit,
    ...(askFactor && { askFactor }),
    onInternalError: (_request, error) => failures.push(error),
  });
  const logged: LoggedLine[] = [];
  const logOf = ({ path: mount }: MountEntry) => {
    const lineOf = (level: LoggedLine["level"]) => (message: string, fields: LoggedLine["fields"] = {}) => void logged.push({ mount, level, message, fields });
    return { info: lineOf("info"), warn: lineOf("warn") };
  };
  const worker = createExpirationWorker({ store, env, engineFor, mountOf: core.mountOf, onError: (_what, error) => failures.push(error), logOf });

  function failIfInternal(): void {
    const [failure] = failures.splice(0);
    if (failure !== undefined) throw failure;
  }

  const exchange: Harness["exchange"] = async (method, path, body, { token = genesis.rootToken, headers = {}, query = {}, contentType, remoteAddress = "127.0.0.1", stream, clientCertificate, clientIntermediates } = {}) => {
    const text = body === undefined ? "" : typeof body === "string" ? body : stringifyDocument(body);
    const handled = await core.handle(
      {
        id: env.uuid(),
        operation: OPERATIONS[method],
        // As the HTTP side does.
        path: (method === "LIST" || method === "SCAN") && !path.endsWith("/") ? `${path}/` : path,
        query,
        body: Buffer.from(text),
        contentType: contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json"),
        token,
        headers,
        remoteAddress,
        remotePort: 0,
        ...(stream && { stream }),
        ...(clientCertificate && { clientCertificate }),
        ...(clientIntermediates && { clientIntermediates }),
      },
      { active: true },
    );
    failIfInternal();
    if (handled.kind === "forward") throw new Error(`the request was to be forwarded: ${handled.reason}`);
    const { status, headers: answerHeaders, contentType: answerType, body: answer } = handled.response;
    if (answer !== null && typeof answer === "object" && !(answer instanceof Uint8Array)) throw new Error("the harness does not read streams");
    return { status, contentType: answerType, headers: answerHeaders, bytes: answer === null ? Buffer.alloc(0) : Buffer.from(answer) };
  };

  const request: Harness["request"] = async (method, path, body, options) => {
    const { status, bytes } = await exchange(method, path, body, options);
    const text = bytes.toString();
    return { status, text, body: text.startsWith("{") ? (JSON.parse(text) as AnswerBody) : {} };
  };

  async function expectDone(answer: Promise<Answer>): Promise<Answer> {
    const { status, text } = await answer;
    if (status >= 300) throw new Error(`preparing a test failed with ${status}: ${text}`);
    return answer;
  }

  return {
    rootToken: genesis.rootToken,
    clock,
    store,
    logged,
    request,
    exchange,
    async mount(path, type, options) {
      const full = path.startsWith("auth/") ? `sys/${path}` : `sys/mounts/${path}`;
      await expectDone(request("POST", full, { type, ...(options && { options }) }));
    },
    async tokenWith(policy) {
      const name = `test-${Buffer.from(env.randomBytes(4)).toString("hex")}`;
      await expectDone(request("POST", `sys/policies/acl/${name}`, { policy }));
      const { body } = await expectDone(request("POST", "auth/token/create", { policies: [name] }));
      return body["auth"].client_token as string;
    },
    async doDueWork() {
      while (await worker.step());
      failIfInternal();
    },
  };
}
