import type { CompiledEngine, Environment, Mount, MountEntry, OperationName, PathMatch, SecretKind, AnyPath } from "../framework/index.js";
import type { AuditBroker } from "../audit/index.js";
import type { LockoutSettings } from "../logins/lockout.js";
import type { ReplicatedLog } from "../store/replicated-log.js";
import type { Store } from "../store/index.js";
import type { ApiRequest, Handled } from "./api.js";

/** Seconds; what a mount without TTLs of its own gets. */
export interface SystemLimits {
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
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
  /** Absent: Vault's defaults. */
  readonly lockout?: LockoutSettings;
  readonly onInternalError: (request: ApiRequest, error: unknown) => void;
}

/** What a request asks for, as far as its path tells; decides between barrier and forwarding before anything is evaluated. */
export interface Description {
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
  mountOf(entry: MountEntry): Mount<unknown>;
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
