import type { Field, Fields, InputOf } from "./fields.js";
import type { Mount, OperationName, EngineRequest, WriteMount } from "./engine.js";
import type { Response } from "./response.js";
import type { ReadStorage, WriteStorage } from "./storage.js";

/** Names of the `{parameters}` of a template: "keys/{name}/config" gives "name", "data/{path...}" gives "path". */
export type TemplateParameters<T extends string> = T extends `${string}{${infer P}}${infer Rest}`
  ? (P extends `${infer N}...` ? N : P) | TemplateParameters<Rest>
  : never;

/** Undefined is a miss: 404 for reads and lists, 204 for writes and deletes. */
export type HandlerResult = Response | undefined | Promise<Response | undefined>;

interface OperationBase<Services> {
  readonly summary: string;
  /** `none`: no token is looked at. `token` (default): ACL. `sudo`: ACL, and the sudo capability. */
  readonly access?: "none" | "token" | "sudo";
  /** Runs on a sealed or uninitialised node too; gets no storage. For sys/ status paths only. */
  readonly whileSealed?: boolean;
  /** Must run on the active node even though it only reads (lease state, time-driven work). */
  readonly activeOnly?: boolean;
  /** Never forwarded: it speaks of or acts on the node that got it (sys/seal, sys/health, sys/host-info). */
  readonly thisNode?: boolean;
  /**
   * Refuses what no token could make right, before the token is judged: throws RequestError. Sees no caller, and must not
   * tell more than anybody may know.
   */
  readonly precheck?: (request: EngineRequest<never>, storage: ReadStorage, mount: Mount<Services>) => void;
  /** Its storage is all there is (a StoreTransaction), in place of what its engine owns. For sys/raw only. */
  readonly wholeStorage?: boolean;
  /** The body is bytes, not JSON: it is handed over as `request.stream`. */
  readonly rawBody?: boolean;
  /** Answers by status, for OpenAPI: a short description each. */
  readonly responses?: Readonly<Record<number, string>>;
  readonly _services?: Services;
}

export interface ReadOperation<F extends Fields, Services> extends OperationBase<Services> {
  readonly effect: "read";
  readonly handler: (request: EngineRequest<InputOf<F>>, storage: ReadStorage, mount: Mount<Services>) => HandlerResult;
}

/**
 * A read that now and then has to write: transit's encrypt, which makes the key that is not there yet. It is answered like a
 * read, behind a read point and by every node. One that turns out to write on a standby is given up there and forwarded, so
 * what it does before is done twice.
 */
export interface ReadOrWriteOperation<F extends Fields, Services> extends OperationBase<Services> {
  readonly effect: "read-or-write";
  readonly handler: (request: EngineRequest<InputOf<F>>, storage: WriteStorage, mount: Mount<Services>) => HandlerResult;
}

export interface WriteOperation<F extends Fields, Services> extends OperationBase<Services> {
  readonly effect: "write";
  /**
   * Of a login: the name of the alias that it would have. The core then refuses who is locked before the handler runs, and
   * counts what it throws as `wrongCredentials` (logins/lockout.ts).
   */
  readonly loginAs?: (request: EngineRequest<InputOf<F>>, storage: ReadStorage) => string;
  /** Of a login: the role that it is about, before it is checked, for the rate limits of roles; undefined where there is no such role. Must not throw. */
  readonly roleOf?: (request: EngineRequest<InputOf<F>>, storage: ReadStorage) => string | undefined;
  readonly handler: (request: EngineRequest<InputOf<F>>, storage: WriteStorage, mount: WriteMount<Services>) => HandlerResult;
}

export type Operation<F extends Fields, Services> = ReadOperation<F, Services> | ReadOrWriteOperation<F, Services> | WriteOperation<F, Services>;

export interface PathDeclaration<F extends Fields = Fields, Services = unknown> {
  /** Relative to the mount: `config`, `keys/{name}`, `data/{path...}` (rest of the path), `metadata/{path...}/` (lists). */
  readonly template: string;
  readonly help: { readonly synopsis: string; readonly description: string };
  readonly fields: F;
  /** Whether the thing exists: decides between the create and the update capability. Absent: every write is an update. */
  readonly exists?: (request: EngineRequest<InputOf<F>>, storage: ReadStorage, mount: Mount<Services>) => boolean;
  /** `update` serves POST and PUT, whether the ACL says create or update. */
  readonly operations: { readonly [O in OperationName]?: Operation<F, Services> };
  /** Fields beyond the declared ones are part of the input (`request.body`), and draw no warning: KV v1, cubbyhole, wrap. */
  readonly freeForm?: boolean;
}

/** A path with its types erased, as the registry and router hold it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the handler's input is contravariant; only `definePath` makes these
export type AnyPath<Services = any> = PathDeclaration<any, Services>;

type PathParametersDeclared<T extends string, F extends Fields> =
  [Exclude<TemplateParameters<T>, keyof F>] extends [never] ? unknown : { readonly "template parameter without a field": Exclude<TemplateParameters<T>, keyof F> };

/** Declares a path; a template parameter without a field of that name does not compile. */
export function definePath<const T extends string, F extends Record<string, Field<unknown>>, Services = unknown>(
  declaration: PathDeclaration<F, Services> & { readonly template: T } & PathParametersDeclared<T, F>,
): PathDeclaration<F, Services> {
  return declaration;
}
