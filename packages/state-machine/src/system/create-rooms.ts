import type { ActivityRecorder } from "../activity/index.js";
import { auditDevices, auditHash, disableAudit, enableAudit } from "../audit/index.js";
import type { AuditBroker } from "../audit/index.js";
import { invalid } from "../errors.js";
import { openApiDocument } from "../framework/index.js";
import type { AuditedBody, CompiledEngine, Environment, MountConfig, MountEntry } from "../framework/index.js";
import { aclOf } from "../identity/index.js";
import { revokeMount, tokenRemoved } from "../leases/index.js";
import { forgetFailures, lockedAliases, lockoutRules } from "../logins/index.js";
import type { LockoutSettings } from "../logins/index.js";
import { addMount, fullPath, getMount, listMounts, mountRow, moveMount, moveStatus, removeMount, route, tuneMount } from "../mounts/index.js";
import { followMount } from "../quotas/index.js";
import { callerOf } from "../request/authorize.js";
import type { SystemLimits } from "../request/core.js";
import { wrappedText } from "../request/envelope.js";
import { findWrapped, wrapResponse } from "../request/wrapping.js";
import { asJwt, wrappingPublicKey } from "../request/wrapping-jwt.js";
import type { Store } from "../store/index.js";
import { findByAccessor, findTokenByText, revokeTree } from "../tokens/index.js";
import { activityRoom } from "./activity-room.js";
import { leaseRoom } from "./lease-room.js";
import { policiesNaming, policyStore } from "./policy-room.js";
import type { AccessControl, AuditTable, EngineInfo, Lockouts, MountTable, SystemRooms, WrappingTokens } from "./rooms.js";

export interface RoomsOptions {
  readonly store: Store;
  readonly activity: ActivityRecorder;
  readonly env: Environment;
  readonly limits: SystemLimits;
  readonly audit: AuditBroker;
  readonly engineFor: (entry: MountEntry) => CompiledEngine | undefined;
  /** Types that may be mounted, by table. */
  readonly mountableTypes: Readonly<Record<MountEntry["table"], readonly string[]>>;
  /** Plugins of the database engine, which the catalog lists apart. */
  readonly databasePlugins?: readonly string[];
  readonly version: string;
  /** Absent: Vault's defaults. */
  readonly lockout?: LockoutSettings;
}

/** The neighbouring rooms as sys/ uses them. */
export function createRooms(options: RoomsOptions): SystemRooms {
  return {
    mounts: mountRoom(options),
    policies: policyStore,
    access: accessRoom(options),
    leases: leaseRoom(options.env),
    audit: auditRoom(options),
    wrapping: wrappingRoom(options),
    lockouts: lockoutRoom(options),
    activity: activityRoom({ store: options.store, env: options.env, recorder: options.activity }),
    engines: () => engineList(options),
    roleOfToken(storage, { role, mountUuid, internalData }) {
      const entry = role === "" && mountUuid !== "" ? mountRow(storage, mountUuid) : undefined;
      return entry ? (options.engineFor(entry)?.engine.roleOfLogin?.(internalData) ?? "") : role;
    },
    hasLoginRoles: (entry) => options.engineFor(entry)?.engine.paths.some(({ operations }) => operations.update?.effect === "write" && operations.update.roleOf !== undefined) ?? false,
    openapi: (storage, caller) => {
      const acl = caller && aclOf(storage, caller, options.env.now());
      const mounts = listMounts(storage)
        .filter((entry) => acl?.mayReach(fullPath(entry)) ?? false)
        .flatMap((entry) => {
          const compiled = options.engineFor(entry);
          return compiled ? [{ mount: fullPath(entry), engine: compiled.engine }] : [];
        });
      return openApiDocument(mounts, options.version);
    },
  };
}

function engineList({ mountableTypes, databasePlugins = [], version }: RoomsOptions): EngineInfo[] {
  const of = (type: EngineInfo["type"], names: readonly string[]): EngineInfo[] => names.map((name) => ({ name, type, version: `v${version}+builtin` }));
  return [...of("auth", mountableTypes.auth), ...of("database", databasePlugins), ...of("secret", mountableTypes.secret)];
}

function mountRoom({ env, limits, mountableTypes, engineFor }: RoomsOptions): MountTable {
  /** Options may ask for an engine that there is not, such as a third version of kv. What was written goes with the error. */
  function requireEngine(entry: MountEntry): void {
    if (!engineFor(entry)) throw invalid(`there is no ${entry.type} engine with the options ${JSON.stringify(entry.options)}`);
  }

  return {
    list: listMounts,
    get: getMount,
    owner: (storage, path) => route(storage, path)?.entry,
    effectiveTtls: ({ config }) => ({ defaultSeconds: config.default_lease_ttl || limits.defaultLeaseTtl, maxSeconds: config.max_lease_ttl || limits.maxLeaseTtl }),
    enable(storage, request) {
      if (!mountableTypes[request.table].includes(request.type)) throw invalid(`plugin not found in the catalog: ${request.type}`);
      checkTtls(request.config ?? {}, limits);
      requireEngine(addMount(storage, request, env));
    },
    async disable(storage, table, path) {
      const removed = removeMount(storage, table, path);
      if (!removed) return;
      followMount(storage, fullPath(removed), undefined);
      await revokeMount(storage, removed.uuid, env);
    },
    tune: (storage, table, path, change) => requireEngine(tuneMount(storage, table, path, change)),
    async remount(storage, from, to) {
      const id = moveMount(storage, from, to, env);
      followMount(storage, from, to);
      return { id, warnings: await policiesNaming(storage, from) };
    },
    remountStatus: moveStatus,
  };
}

function accessRoom({ env }: RoomsOptions): AccessControl {
  return {
    capabilities: (storage, caller, path) => aclOf(storage, caller, env.now()).capabilities(path),
    bearer(storage, by) {
      const entry = "token" in by ? findTokenByText(storage, by.token, env) : findByAccessor(storage, by.accessor, env);
      return entry && callerOf(entry);
    },
    mayReach: (storage, caller, path) => aclOf(storage, caller, env.now()).mayReach(path),
    resultant: (storage, caller) => aclOf(storage, caller, env.now()).resultant(),
  };
}

function lockoutRoom({ env, lockout = {} }: RoomsOptions): Lockouts {
  return {
    async list(storage, accessor) {
      const locked = new Map<string, string[]>();
      for (const mount of listMounts(storage, "auth")) {
        if (accessor !== undefined && accessor !== mount.accessor) continue;
        const aliases = await lockedAliases(storage, mount, lockoutRules(lockout, mount), env.now());
        if (aliases.length > 0 || accessor !== undefined) locked.set(mount.accessor, aliases);
      }
      return locked;
    },
    unlock: (storage, accessor, alias) => forgetFailures(storage, { accessor }, alias),
  };
}

/** Of a mount that is made. Tuned later its TTLs are cut when they are used, as Vault does. */
function checkTtls({ default_lease_ttl: standard = 0, max_lease_ttl: most = 0 }: Partial<MountConfig>, { maxLeaseTtl }: SystemLimits): void {
  if (most > 0 && standard > most) throw invalid("given default lease TTL greater than given max lease TTL");
  if (most === 0 && standard > maxLeaseTtl) throw invalid(`given default lease TTL greater than system max lease TTL of ${maxLeaseTtl}`);
}

function auditRoom({ env, audit }: RoomsOptions): AuditTable {
  return {
    // Member by member: what else is stored (the salt) is nobody's to see.
    list: (storage) => Object.values(auditDevices(storage)).map(({ path, type, description, options, local }) => ({ path, type, description, options, local })),
    async enable(storage, device) {
      enableAudit(storage, device, env);
      await audit.test(device);
    },
    disable: disableAudit,
    hash: auditHash,
  };
}

/** What audit devices record of an unwrapped answer: the same as they would have of the answer itself. */
function auditedText(text: string): AuditedBody {
  const { data = null, auth = null } = JSON.parse(text) as Pick<AuditedBody, "data" | "auth">;
  return { data, auth };
}

function wrappingRoom({ env }: RoomsOptions): WrappingTokens {
  return {
    isWrapping: (storage, token) => findWrapped(storage, { token }, env) !== undefined,
    async unwrap(storage, by) {
      const found = findWrapped(storage, by, env);
      if (!found) return undefined;
      const { text } = found.wrapped;
      await revokeTree(storage, found.id, tokenRemoved(env));
      return { kind: "raw", status: 200, contentType: "application/json", body: text, audited: auditedText(text) };
    },
    lookup(storage, by) {
      const found = findWrapped(storage, by, env);
      return found && { creationPath: found.wrapped.creationPath, creationTime: found.wrapped.creationTime, creationTtlSeconds: found.wrapped.ttl };
    },
    publicKey: wrappingPublicKey,
    async rewrap(storage, by, jwtAddress) {
      const found = findWrapped(storage, by, env);
      if (!found) return undefined;
      const { text, creationPath, ttl, wrappedAccessor } = found.wrapped;
      await revokeTree(storage, found.id, tokenRemoved(env));
      const made = wrapResponse(storage, { text, path: creationPath, ttl, wrappedAccessor }, env);
      const wrapInfo = jwtAddress === undefined ? made : await asJwt(storage, made, jwtAddress, env);
      return { kind: "raw", status: 200, contentType: "application/json", body: wrappedText(wrapInfo), audited: { wrapInfo: { ...wrapInfo } } };
    },
  };
}
