import { randomUUID } from "node:crypto";
import { createAskFactor, databasePlugins, engineFor, mountableTypes } from "@coffer/engines";
import type { IdentityServices } from "@coffer/engines";
import { compileEngine, createActivityRecorder, createAuditBroker, createBarrier, createCore, createExpirationWorker, createRooms, createStore, rawSystemEngine, systemEngine } from "@coffer/state-machine";
import type { ActivityRecorder, AuditBroker, Barrier, CompiledEngine, Core, Engine, EngineLog, Environment, ExpirationWorker, LockoutSettings, MountEntry, ReplicatedLog, StateReader, Store, SystemLimits, SystemRooms, SystemServices, TokenMade } from "@coffer/state-machine";
import type { Logging } from "../logging/logger.js";
import { createRandomBytes } from "./random-bytes.js";
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
  readonly activity: ActivityRecorder;
}

export interface SecretsServiceOptions {
  readonly log: ReplicatedLog;
  readonly reader: StateReader;
  readonly limits: SystemLimits;
  /** Absent: Vault's defaults. */
  readonly lockout?: LockoutSettings;
  readonly cacheEntries: number;
  readonly logging: Logging;
  /** Whether sys/raw is served; it is not unless an operator says so. */
  readonly rawStorage?: boolean;
  /** What sys/ may do to the node. Asked for at each request, as the node and its service need each other. */
  readonly systemServices: () => SystemServices;
  readonly onTokenMade?: (made: TokenMade) => void;
}

/** Its services are what `systemServices` gives: the type that says so is erased here. */
const compileSystem = (rawStorage: boolean): CompiledEngine => compileEngine((rawStorage ? rawSystemEngine : systemEngine) as unknown as Engine);

/** As Vault names them: `secrets.database`, `auth.ldap`. Each line says which mount it is about. */
function mountLog(logging: Logging, { table, type, path }: MountEntry): EngineLog {
  const logger = logging.logger(`${table === "auth" ? "auth" : "secrets"}.${type}`);
  return { info: (message, fields) => logger.info(message, { mount: path, ...fields }), warn: (message, fields) => logger.warn(message, { mount: path, ...fields }) };
}

export function createSecretsService({ log, reader, limits, lockout = {}, cacheEntries, logging, rawStorage = false, systemServices, onTokenMade }: SecretsServiceOptions): SecretsService {
  const env: Environment = { now: () => Date.now(), randomBytes: createRandomBytes(), uuid: () => randomUUID() };
  const barrier = createBarrier();
  const store = createStore({ reader, log, barrier, cacheEntries });
  const auditLogger = logging.logger("audit");
  const audit = createAuditBroker((device, error) => auditLogger.error("an audit device cannot write", { device, reason: (error as NodeJS.ErrnoException).code ?? "unknown" }));
  const identityServices: IdentityServices = { apiAddress: () => systemServices().cluster.leadership().activeApiAddress };
  const coreLogger = logging.logger("core");
  const system = compileSystem(rawStorage);
  const engineOf = (entry: MountEntry): CompiledEngine | undefined => (entry.type === "system" ? system : engineFor(entry));
  const activity = createActivityRecorder({ store, env });
  const core = createCore({
    activity,
    store,
    log,
    isSealed: () => barrier.sealed(),
    engineFor: engineOf,
    system,
    servicesFor: (type) => (type === "system" ? systemServices() : type === "identity" ? identityServices : undefined),
    env,
    limits,
    lockout,
    audit,
    apiAddress: identityServices.apiAddress,
    askFactor: createAskFactor({ env }),
    ...(onTokenMade && { onTokenMade }),
    onInternalError: (request, error) => coreLogger.error("a request failed", { request_id: request.id, path: request.path, operation: request.operation, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  });
  const expirationLogger = logging.logger("expiration");
  const expiration = createExpirationWorker({ store, env, engineFor: engineOf, mountOf: (entry) => core.mountOf(entry), requests: () => core.requests(), onError: (what, error) => expirationLogger.error(what, { reason: error instanceof Error ? error.message : String(error) }), logOf: (entry) => mountLog(logging, entry) });
  const rooms = createRooms({ store, activity, env, limits, lockout, audit, engineFor: engineOf, mountableTypes, databasePlugins, version: API_VERSION });
  return { env, barrier, store, audit, core, expiration, rooms, activity };
}
