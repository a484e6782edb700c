import { randomBytes, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { compileEngine, createBarrier, createRecoveryCore, createRecoveryTokens, createStore, recoveryEngine } from "@coffer/state-machine";
import type { Engine, Environment } from "@coffer/state-machine";
import { createEchoes } from "../cluster/echoes.js";
import type { ApiApplication } from "../http/application.js";
import { openSeals } from "../seals/index.js";
import { openBacking } from "./backing.js";
import type { CofferNode, NodeOptions } from "./node.js";
import { API_VERSION } from "./version.js";

/** What runs behind the listeners, in this mode and in the usual one. */
export type ServedNode = Pick<CofferNode, "application" | "stepDown" | "questionsAnswered" | "reopenAudit" | "stop">;

/**
 * A node that serves sys/raw alone, to whoever a quorum of share holders gave the token. It stands on what its own disk holds:
 * a member of a cluster leaves it for good (docs/operations.md).
 */
export async function startRecoveryNode({ configuration, logging, onFatal }: Omit<NodeOptions, "rootTokenText">): Promise<ServedNode> {
  const { storage } = configuration;
  if (storage.type === "inmem") throw new Error('recovery mode has nothing to recover in storage "inmem"');
  const logger = logging.logger("recovery");
  const seals = openSeals({ seals: configuration.seals, environment: process.env, logger, now: () => Date.now() });
  const nodeId = storage.type === "raft" ? storage.nodeId : hostname();
  const echoes = createEchoes({ nodeId, apiAddress: configuration.apiAddress, clusterAddress: configuration.clusterAddress, hostname: hostname(), version: API_VERSION }, () => Date.now());
  const backing = await openBacking(configuration, echoes, logging.logger(storage.type === "raft" ? "raft" : "storage"), onFatal, true);
  backing.answerQuestions(async () => new Uint8Array(0));

  const isInitialized = await backing.resume().catch(async (error: unknown) => {
    await backing.stop();
    throw error;
  });
  if (!isInitialized) {
    await backing.stop();
    throw new Error("recovery mode needs an initialised node: this storage holds no state");
  }

  logger.warn("recovery mode: nothing is served but sys/raw, with a token that coffer operator generate-root -recovery-token makes");
  const env: Environment = { now: () => Date.now(), randomBytes: (length) => new Uint8Array(randomBytes(length)), uuid: () => randomUUID() };
  const barrier = createBarrier();
  const store = createStore({ reader: backing.reader, log: backing.log, barrier, cacheEntries: configuration.cacheSize });
  const tokens = createRecoveryTokens({ store, barrier, env, seals, activeTerm: () => 0, note: (message, fields) => logger.info(message, fields) }, () => {
    backing.membership?.current()?.thread.setCanLead(true);
    logger.warn("unsealed in recovery mode");
  });
  const handle = createRecoveryCore({
    engine: compileEngine(recoveryEngine as unknown as Engine),
    services: { generateRoot: tokens.generateRoot, recoveryToken: tokens.make },
    store,
    log: backing.log,
    env,
    isSealed: () => barrier.sealed(),
    isToken: tokens.is,
    note: (operation, path) => logger.info(`${operation} of a stored value`, { path }),
    onInternalError: (error) => logger.error("a request failed", { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  });

  const application: ApiApplication = {
    takesStream: () => false,
    handle,
    cors: () => ({ enabled: false, allowed_origins: [], allowed_headers: [] }),
    stateHeader: () => "",
    headers: {},
    requests: { begin: () => () => undefined },
  };
  return {
    application,
    stepDown: async () => undefined,
    questionsAnswered: async () => undefined,
    reopenAudit: () => undefined,
    async stop() {
      tokens.generateRoot.cancel();
      barrier.seal();
      seals.close();
      await backing.stop();
    },
  };
}
