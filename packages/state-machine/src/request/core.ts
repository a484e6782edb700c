import type { CompiledEngine, Environment, MountEntry, OperationName, PathMatch, SecretKind, AnyPath, WriteMount } from "../framework/index.js";
import type { ActivityRecorder } from "../activity/index.js";
import type { AuditBroker } from "../audit/index.js";
import type { RequestError } from "../errors.js";
import type { LockoutSettings } from "../logins/lockout.js";
import type { AskFactor } from "../mfa/index.js";
import type { ReplicatedLog } from "../store/replicated-log.js";
import type { Store } from "../store/index.js";
import type { ApiRequest, Handled } from "./api.js";

/** Seconds; what a mount without TTLs of its own gets. */
export interface SystemLimits {
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
}

/** A token that was made, by a login or from another one. */
export interface TokenMade {
  /** Type of the auth method: `token`, `userpass`. */
  readonly authMethod: string;
  /** `auth/token/`. */
  readonly mountPoint: string;
  readonly tokenType: "service" | "batch";
  /** 0: none. */
  readonly ttlSeconds: number;
}

export interface CoreOptions {
  readonly store: Store;
  readonly log: ReplicatedLog;
  readonly isSealed: () => boolean;
  readonly engineFor: (entry: MountEntry) => CompiledEngine | undefined;
  /** The engine of sys/, which also answers while sealed. */
  readonly system: CompiledEngine;
  /** What the engine of a type may use of its node. */
  readonly servicesFor: (type: string) => unknown;
  readonly env: Environment;
  readonly limits: SystemLimits;
  readonly audit: AuditBroker;
  /** URL of the node that is active, for wrapping tokens that say where they can be opened; empty while nobody is. */
  readonly apiAddress?: () => string;
  /** For metrics: once it is certain that there is one. */
  readonly onTokenMade?: (made: TokenMade) => void;
  /** Who uses the service; absent: nobody is counted. */
  readonly activity?: Pick<ActivityRecorder, "seen">;
  /** Absent: Vault's defaults. */
  readonly lockout?: LockoutSettings;
  /** Asks services of second factors. Absent: none is known here, and each of them is refused. */
  readonly askFactor?: AskFactor;
  readonly onInternalError: (request: ApiRequest, error: unknown) => void;
}

/** What a request asks for, as far as its path tells; decides between barrier and forwarding before anything is evaluated. */
export interface Description {
  /** A `read-or-write` counts as a read: it has to write only now and then. */
  readonly effect: "read" | "write";
  readonly whileSealed: boolean;
  readonly thisNode: boolean;
  readonly activeOnly: boolean;
  readonly rawBody: boolean;
}

export interface Core {
  /** Undefined for an unknown path: evaluate it as a read. Throws RequestError when sealed. */
  describe(request: Pick<ApiRequest, "path" | "operation">): Description | undefined;
  /**
   * Evaluates a request and commits what it wrote. For reads, the caller has passed the read barrier. Synchronous where the
   * handler is and no audit device is enabled. Never rejects: failures are answers.
   */
  handle(request: ApiRequest, role: { readonly active: boolean }): Handled | Promise<Handled>;
  /** How many it was given so far. */
  requests(): number;
  mountOf(entry: MountEntry): WriteMount;
  /** See `loginRole`. */
  loginRole(request: ApiRequest): string | undefined;
  /** Puts a request on record that is refused before it is evaluated. Never rejects. */
  recordRefused(request: ApiRequest, error: RequestError): Promise<void>;
}

/** A request routed to its operation. */
export interface Target {
  readonly entry: MountEntry;
  readonly mountPath: string;
  /** Below the mount. */
  readonly path: string;
  readonly match: PathMatch;
  readonly operation: NonNullable<AnyPath["operations"][OperationName]>;
  readonly compiled: CompiledEngine;
}

export type { SecretKind };
