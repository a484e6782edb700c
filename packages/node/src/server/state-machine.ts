import { randomBytes, randomUUID } from "node:crypto";
import { createAskFactor, engineFor, mountableTypes } from "@coffer/engines";
import type { IdentityServices } from "@coffer/engines";
import { compileEngine, createAuditBroker, createBarrier, createCore, createExpirationWorker, createRooms, createStore, systemEngine } from "@coffer/state-machine";
import type { AuditBroker, Barrier, CompiledEngine, Core, Engine, Environment, ExpirationWorker, LockoutSettings, MountEntry, ReplicatedLog, StateReader, Store, SystemLimits, SystemRooms, SystemServices, TokenMade } from "@coffer/state-machine";
import type { Logging } from "../logging/logger.js";
import { API_VERSION } from "./version.js";

/** The secrets service of this node, on whatever log it is given. */
export interface SecretsService {
  readonly env: Environment;
  readonly barrier: Barrier;
  readonly store: Store;
  readonly audit: AuditBroker;
  readonly core: Core;
  readonly expiration: ExpirationWorker;
  readonly rooms: SystemRooms;
}

export interface SecretsServiceOptions {
  readonly log: ReplicatedLog;
  readonly reader: StateReader;
  readonly limits: SystemLimits;
  /** Absent: Vault's defaults. */
  readonly lockout?: LockoutSettings;
  readonly cacheEntries: number;
  readonly logging: Logging;
  /** What sys/ may do to the node. Asked for at each request, as the node and its service need each other. */
  readonly systemServices: () => SystemServices;
  readonly onTokenMade?: (made: TokenMade) => void;
}

/** Its services are what `systemServices` gives: the type that says so is erased here. */
const SYSTEM = compileEngine(systemEngine as unknown as Engine);

function engineOf(entry: MountEntry): CompiledEngine | undefined {
  return entry.type === "system" ? SYSTEM : engineFor(entry);
}

export function createSecretsService({ log, reader, limits, lockout = {}, cacheEntries, logging, systemServices, onTokenMade }: SecretsServiceOptions): SecretsService {
  const env: Environment = { now: () => Date.now(), randomBytes: (length) => new Uint8Array(randomBytes(length)), uuid: () => randomUUID() };
  const barrier = createBarrier();
  const store = createStore({ reader, log, barrier, cacheEntries });
  const auditLogger = logging.logger("audit");
  const audit = createAuditBroker((device, error) => auditLogger.error("an audit device cannot write", { device, reason: (error as NodeJS.ErrnoException).code ?? "unknown" }));
  const identityServices: IdentityServices = { apiAddress: () => systemServices().cluster.leadership().activeApiAddress };
  const coreLogger = logging.logger("core");
  const core = createCore({
    store,
    log,
    isSealed: () => barrier.sealed(),
    engineFor: engineOf,
    system: SYSTEM,
    servicesFor: (type) => (type === "system" ? systemServices() : type === "identity" ? identityServices : undefined),
    env,
    limits,
    lockout,
    audit,
    askFactor: createAskFactor({ env }),
    ...(onTokenMade && { onTokenMade }),
    onInternalError: (request, error) => coreLogger.error("a request failed", { request_id: request.id, path: request.path, operation: request.operation, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  });
  const expirationLogger = logging.logger("expiration");
  const expiration = createExpirationWorker({ store, env, engineFor: engineOf, mountOf: (entry) => core.mountOf(entry), onError: (what, error) => expirationLogger.error(what, { reason: error instanceof Error ? error.message : String(error) }) });
  const rooms = createRooms({ env, limits, lockout, audit, engineFor: engineOf, mountableTypes, version: API_VERSION });
  return { env, barrier, store, audit, core, expiration, rooms };
}
