import { createMemoryLog, SEAL_CONFIG_KEY } from "@coffer/state-machine";
import type { ActivityRecorder, ReplicatedLog, StateReader } from "@coffer/state-machine";
import { hostAndPort } from "../cluster/admission.js";
import type { Echoes } from "../cluster/echoes.js";
import type { Configuration, RaftStorage } from "../configuration/types.js";
import { createReplica } from "../consensus/replica.js";
import { lockDataFolder } from "../lifecycle/data-folder.js";
import type { FolderLock } from "../lifecycle/data-folder.js";
import { createMembership } from "../lifecycle/membership.js";
import type { Membership } from "../lifecycle/membership.js";
import type { Logger } from "../logging/logger.js";
import { startTellingClients } from "./client-duty.js";
import { startEchoes } from "./echo-duty.js";

const MS = 1000;
/** A port that nobody knows, on this machine. */
const NOBODY_LISTENS = "127.0.0.1:0";

/** What the service stands on: a member's replica, or the state of a node alone. */
export interface Backing {
  readonly log: ReplicatedLog;
  readonly reader: StateReader;
  /** Undefined for a node that is alone by its storage. */
  readonly membership: Membership | undefined;
  /** Whether there is an initialised state already, of this node or of its cluster; then it takes part from here on. */
  resume(): Promise<boolean>;
  /** What is wrong with its disk or its storage, as a message; undefined while nothing is. */
  fault(): string | undefined;
  answerQuestions(answer: (payload: Uint8Array) => Promise<Uint8Array>): void;
  /** Who used this node is told to the active one. */
  tellClientsOf(activity: Pick<ActivityRecorder, "handOn">): void;
  stop(): Promise<void>;
}

/** `alone`: recovery mode. A member of a cluster becomes one of its own, and listens to nobody. */
export async function openBacking(configuration: Configuration, echoes: Echoes, logger: Logger, onFatal: (message: string) => void, alone = false): Promise<Backing> {
  const { storage } = configuration;
  if (storage.type === "raft") return raftBacking(configuration, storage, echoes, logger, onFatal, await lockDataFolder(storage.path), alone);
  const single = { membership: undefined, answerQuestions: () => undefined, tellClientsOf: () => undefined };
  if (storage.type === "inmem") return { ...(await createMemoryLog()), ...single, fault: () => undefined, resume: async () => false, stop: async () => undefined };
  const { openSoleState } = await import("../storage/open-sole-state.js");
  const state = await openSoleState(storage, echoes.own.nodeId, logger, onFatal);
  return { log: state.log, reader: state.reader, ...single, fault: () => state.fault(), resume: async () => state.reader.get(SEAL_CONFIG_KEY) !== undefined, stop: () => state.close() };
}

function raftBacking(configuration: Configuration, storage: RaftStorage, echoes: Echoes, logger: Logger, onFatal: (message: string) => void, lock: FolderLock, alone: boolean): Backing {
  const replica = createReplica();
  let answer: ((payload: Uint8Array) => Promise<Uint8Array>) | undefined;
  let activity: Pick<ActivityRecorder, "handOn"> | undefined;
  let echoing: { stop(): void } | undefined;
  let telling: { stop(): void } | undefined;
  const membership = createMembership({
    storage,
    listen: alone ? NOBODY_LISTENS : clusterListenAddress(configuration),
    alone,
    advertise: hostAndPort(configuration.clusterAddress),
    replica,
    onQuestion: (payload) => answer!(payload),
    onFatal,
    answerTimeoutMs: longestRequestMs(configuration),
    logger,
  });
  membership.onStart((started) => {
    echoing?.stop();
    echoing = startEchoes(started, echoes);
    telling?.stop();
    telling = startTellingClients(started, () => activity);
  });
  return {
    log: replica.log,
    reader: replica.reader,
    membership,
    fault: () => membership.diskFault(),
    resume: () => membership.resume(),
    answerQuestions: (handler) => void (answer = handler),
    tellClientsOf: (recorder) => void (activity = recorder),
    async stop() {
      echoing?.stop();
      telling?.stop();
      await membership.stop();
      await lock.release();
    },
  };
}

/** The first listener's cluster_address, or its host with the port of cluster_addr. */
export function clusterListenAddress({ listeners, clusterAddress }: Configuration): string {
  const [first] = listeners;
  if (first?.clusterAddress !== undefined) return first.clusterAddress;
  const host = (first?.address ?? "127.0.0.1:8200").replace(/:\d+$/, "");
  return `${host === "" ? "0.0.0.0" : host}:${new URL(clusterAddress).port}`;
}

/** No listener waits longer for an answer; undefined where one of them waits for ever. */
function longestRequestMs({ listeners }: Configuration): number | undefined {
  const seconds = listeners.map(({ maxRequestDuration }) => maxRequestDuration);
  return seconds.some((one) => one <= 0) ? undefined : Math.max(...seconds) * MS;
}
