import { hostname, tmpdir } from "node:os";
import { engineFor, releaseMounts } from "@coffer/engines";
import { CLUSTER_KEY, corsConfig, createBreakGlass, createRateLimiter, declareAudit, declareAutopilot, forgetShares, QUOTA_SETTINGS_KEY, quotaSettings, RATE_LIMITS_KEY, rateLimits, readClusterInfo, recordVersion, writeMissingMounts } from "@coffer/state-machine";
import type { BreakGlass, ClusterInfo, SystemServices } from "@coffer/state-machine";
import { createAdmission } from "../cluster/admission.js";
import { createClusterAutopilot } from "../cluster/autopilot.js";
import { createClusterControl } from "../cluster/cluster-control.js";
import { createEchoes } from "../cluster/echoes.js";
import { createSnapshotControl } from "../cluster/snapshot-control.js";
import type { Configuration } from "../configuration/types.js";
import { forwardUpload } from "../forwarding/upload.js";
import { createReadPoints } from "../gateway/read-points.js";
import { createRequestGateway } from "../gateway/request-gateway.js";
import { createStateHeader } from "../gateway/state-header.js";
import type { ApiApplication } from "../http/application.js";
import { limitRates } from "../http/rate-limits.js";
import { joinRequests, startRetryJoin } from "../lifecycle/retry-join.js";
import { createSealLifecycle } from "../lifecycle/seal-control.js";
import type { SealLifecycle } from "../lifecycle/seal-control.js";
import type { Logging } from "../logging/logger.js";
import { openSeals } from "../seals/index.js";
import type { NodeSeals } from "../seals/index.js";
import { startActiveDuties } from "./active-duties.js";
import { openBacking } from "./backing.js";
import { releaseWithMounts } from "./held-open.js";
import { createKeyringControl } from "./keyring-control.js";
import { createMountFeed } from "./mount-feed.js";
import { loadMountedEngines } from "./mounted-engines.js";
import { createNodeControl } from "./node-control.js";
import { createQuestionHandler } from "./questions.js";
import { startSealDuties } from "./seal-duties.js";
import { createSecretsService } from "./state-machine.js";
import type { SecretsService } from "./state-machine.js";
import { API_VERSION, BUILD_DATE } from "./version.js";

/** Everything of a server but its listeners. */
export interface CofferNode {
  readonly application: ApiApplication;
  readonly seal: SealLifecycle;
  readonly service: SecretsService;
  readonly seals: NodeSeals;
  /** Hands leadership on where there is somebody to take it. */
  stepDown(): Promise<void>;
  /** Resolves once no other node waits for an answer of this one, or after `graceMs`. */
  questionsAnswered(graceMs: number): Promise<void>;
  reopenAudit(): void;
  stop(): Promise<void>;
}

export interface NodeOptions {
  readonly configuration: Configuration;
  readonly logging: Logging;
  readonly onFatal: (message: string) => void;
  /** For -dev. */
  readonly rootTokenText?: string;
}

const STEP_DOWN_ATTEMPTS = 3;

export async function startNode({ configuration, logging, onFatal, rootTokenText }: NodeOptions): Promise<CofferNode> {
  const { storage } = configuration;
  const coreLogger = logging.logger("core");
  // First: settings that cannot be used should cost nothing.
  const seals = openSeals({ seals: configuration.seals, environment: process.env, logger: coreLogger, now: () => Date.now() });
  const nodeId = storage.type === "raft" ? storage.nodeId : storage.type === "inmem" ? "memory" : hostname();
  const echoes = createEchoes({ nodeId, apiAddress: configuration.apiAddress, clusterAddress: configuration.clusterAddress, hostname: hostname(), version: API_VERSION }, () => Date.now());
  const backing = await openBacking(configuration, echoes, logging.logger(storage.type === "raft" ? "raft" : "storage"), onFatal);

  const service = createSecretsService({
    log: backing.log,
    reader: backing.reader,
    limits: { defaultLeaseTtl: configuration.defaultLeaseTtl, maxLeaseTtl: configuration.maxLeaseTtl },
    lockout: configuration.userLockout,
    cacheEntries: configuration.cacheSize,
    logging,
    rawStorage: configuration.rawStorage,
    systemServices: () => services, onTokenMade: (made) => control.countToken(made),
  });
  const { barrier, store, core, env } = service;
  const leadingTerm = () => {
    const { isLeader, term } = backing.log.leadership();
    // While it is being initialized the keys are there, but they are nobody's yet.
    return isLeader && !barrier.sealed() && seal.stage() === "member" ? term : undefined;
  };
  // The audit devices that the configuration demands are there before the first request is served.
  let isDeclared = configuration.auditDevices.length === 0 && (storage.type !== "raft" || Object.keys(storage.autopilot).length === 0);
  const isActive = () => isDeclared && leadingTerm() !== undefined;
  const member = () => backing.membership?.current();

  const stateHeader = createStateHeader(() => clusterInfo().id, () => barrier.derive("forwarding"));
  const gateway = createRequestGateway({
    core,
    log: backing.log,
    readPoints: createReadPoints(backing.log),
    stateHeader,
    isSealed: () => barrier.sealed(),
    isActive,
    isHeldBack: () => !isDeclared && leadingTerm() !== undefined,
    async forward(request, isRepeatable) {
      const active = member()?.active;
      if (!active) return { kind: "unsent" };
      const { stream } = request;
      return stream ? forwardUpload(active, { ...request, stream }) : active.ask({ kind: "request", request }, isRepeatable);
    },
    activeApiAddress: () => cluster.leadership().activeApiAddress,
    storageFault: () => (storage.type === "raft" ? undefined : backing.fault()),
    nodeId,
    forwardOnDemand: true,
  });
  backing.tellClientsOf(service.activity);
  backing.answerQuestions(createQuestionHandler(gateway, echoes, service.activity, logging.logger("forwarding")));

  const mounts = createMountFeed(backing.log);
  const mountedEngines = loadMountedEngines({ mounts, store, isSealed: () => barrier.sealed(), load: engineFor, onError: (error) => coreLogger.warn("the engine of a mount could not be loaded", { reason: String(error) }) });

  const isMember = await backing.resume().catch(async (error: unknown) => {
    await backing.stop();
    throw error;
  });
  const admission = createAdmission({ member, store, barrier, logger: logging.logger("raft"), now: env.now });
  const autopilot = createClusterAutopilot({ member, store, admission, echoes, logger: logging.logger("raft.autopilot"), now: env.now });
  const seal = createSealLifecycle({
    nodeId,
    storageType: storage.type,
    clusterName: configuration.clusterName,
    isMember,
    log: backing.log,
    store,
    barrier,
    env,
    seals,
    logger: coreLogger,
    found: backing.membership ? backing.membership.found : (write) => write(),
    enter: async (offer, rootKey) => backing.membership?.enter(offer, rootKey),
    onUnsealed() {
      unsealings += 1;
      mountedEngines.all();
      member()?.thread.setCanLead(true);
      duties.wake();
    },
    onSealed() {
      member()?.thread.setCanLead(false);
      forgetShares(services);
      service.audit.close();
      void releaseMounts();
    },
    beforeSeal: () => stepDown(),
    ...(rootTokenText !== undefined && { rootTokenText }),
  });

  // Where it had to begin anew, while the keys stayed.
  backing.membership?.onStart(({ thread }) => {
    if (!barrier.sealed()) thread.setCanLead(true);
  });

  let activeSince: number | undefined;
  /** What becoming active does (migrations, the declared, the upkeep of seals) is done anew after a seal, within one term too. */
  let unsealings = 0;
  const cluster = createClusterControl({
    diskFault: () => backing.fault(),
    isReplicated: storage.type === "raft",
    member,
    isActive,
    activeSince: () => (isActive() ? activeSince : undefined),
    echoes,
    admission,
    autopilot,
    snapshots: createSnapshotControl({ member, log: backing.log, barrier, logger: logging.logger("raft"), spoolDirectory: storage.type === "raft" ? storage.path : tmpdir() }),
    join: (request) => retryJoin.ask(request),
  });
  const control = createNodeControl({ configuration, logging, service, member, isActive, clusterInfo, seals });
  const glass: BreakGlass = { store, barrier, env, seals, activeTerm: leadingTerm, note: (message, fields) => coreLogger.info(message, fields) };
  const keyring = createKeyringControl(glass);
  const services: SystemServices = { seal, cluster, keyring, ...createBreakGlass(glass), node: control.node, rooms: service.rooms };

  // Asked for at every write, and changed by nothing but initialisation and restore.
  let knownCluster: ClusterInfo | undefined;
  backing.log.onApplied(({ keys, reset }) => {
    if (reset || keys.includes(CLUSTER_KEY)) knownCluster = undefined;
  });
  function clusterInfo(): ClusterInfo {
    knownCluster ??= store.evaluate((tx) => readClusterInfo(tx)).value;
    return knownCluster ?? { id: "", name: "" };
  }

  async function stepDown(): Promise<void> {
    // Where the others are busy one attempt may be too short for them; and an end without a successor costs an election.
    for (let attempt = 0; attempt < STEP_DOWN_ATTEMPTS && isActive(); attempt++) {
      await cluster.stepDown().catch((error: unknown) => coreLogger.warn("nobody took over", { reason: (error as Error).message }));
    }
  }

  /** Makes what a newer version expects in a cluster that an older one initialised. */
  async function bringUpToDate(): Promise<void> {
    const { value: made, outcome } = await store.transact((tx) => writeMissingMounts(tx.scoped("core/"), env));
    if (outcome.outcome !== "applied") throw new Error("the mounts that this version brings could not be stored");
    if (made.length > 0) coreLogger.info("made the mounts that this version brings", { paths: made });
  }

  const duties = startActiveDuties({
    reign() {
      const term = leadingTerm();
      return term === undefined ? undefined : `${term} after ${unsealings} unsealings`;
    },
    async onActivation() {
      if (!isDeclared) {
        for (const device of configuration.auditDevices) await service.audit.test(device);
        const { value, outcome } = await store.transact((tx) => {
          const core = tx.scoped("core/");
          if (storage.type === "raft") declareAutopilot(core, storage.autopilot);
          return declareAudit(core, configuration.auditDevices, env);
        });
        if (outcome.outcome !== "applied") throw new Error("the configuration's audit devices and autopilot settings could not be stored");
        if (value.length > 0) logging.logger("audit").info("enabled the configuration's audit devices", { paths: value });
        isDeclared = true;
      }
      await bringUpToDate();
      await store.transact((tx) => recordVersion(tx.scoped("core/"), { version: API_VERSION, buildDate: BUILD_DATE }, env.now()));
      // A seal that is away now is no reason not to serve; its turn comes again.
      await seal.maintain().catch((error: unknown) => coreLogger.warn("the upkeep of the seal failed; will be tried again", { reason: (error as Error).message }));
      activeSince = env.now();
      coreLogger.info("this node is active now", { term: backing.log.leadership().term });
    },
    expiration: service.expiration,
    autopilot: () => autopilot.step(),
    activity: service.activity,
    logger: coreLogger,
  });
  backing.log.onLeadership(() => duties.wake());
  const heldOpen = releaseWithMounts(mounts, backing.log, isActive, releaseMounts);
  const sealDuties = startSealDuties({ isSealed: () => barrier.sealed(), isActive, seals, seal, keyring, logger: coreLogger });
  void seal.begin();
  const retryJoin = startRetryJoin(storage.type === "raft" ? joinRequests(storage) : [], seal, logging.logger("raft"));

  const limiter = createRateLimiter({
    read: () => store.evaluate((tx) => ({ table: rateLimits(tx.scoped("core/")), settings: quotaSettings(tx.scoped("core/")) })).value,
    now: env.now,
  });
  backing.log.onApplied(({ keys, reset }) => {
    if (reset || keys.includes(`core/${RATE_LIMITS_KEY}`) || keys.includes(`core/${QUOTA_SETTINGS_KEY}`)) limiter.reload();
  });

  const application: ApiApplication = {
    takesStream: gateway.takesStream,
    handle: limitRates(gateway.handle, {
      limiter,
      isSealed: () => barrier.sealed(),
      roleOf: (request) => core.loginRole(request),
      record: (request, error) => core.recordRefused(request, error),
      index: () => backing.log.appliedIndex(),
    }),
    cors: () => store.evaluate((tx) => corsConfig(tx.scoped("core/"))).value,
    stateHeader: (index) => (barrier.sealed() ? "" : stateHeader.format(index)),
    headers: { ...(configuration.hostnameHeader && { "X-Vault-Hostname": hostname() }), ...(configuration.nodeIdHeader && { "X-Vault-Raft-Node-ID": nodeId }) },
    requests: control.requests,
  };

  return {
    application,
    seal,
    service,
    seals,
    stepDown,
    questionsAnswered: async (graceMs) => member()?.questionsAnswered(graceMs),
    reopenAudit: () => service.audit.reopen(),
    async stop() {
      retryJoin.stop();
      heldOpen.stop();
      sealDuties.stop();
      seal.stop();
      await duties.stop();
      control.stop();
      barrier.seal();
      await releaseMounts();
      await service.audit.close();
      await backing.stop();
    },
  };
}
