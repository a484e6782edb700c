import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { lostWrites } from "@coffer/raft";
import { completeState } from "@coffer/raft/host";
import { openStateDatabase, restoreEntries, SEAL_CONFIG_KEY, snapshotRecords } from "@coffer/state-machine";
import type { EntryRecord, OpenedSnapshot, ReplicatedLog } from "@coffer/state-machine";
import { hostAndPort } from "../cluster/admission.js";
import type { MigrationConfiguration } from "../configuration/migration.js";
import type { RaftStorage } from "../configuration/types.js";
import { createReplica } from "../consensus/replica.js";
import { toStateMachine } from "../consensus/state-machine.js";
import { lockDataFolder } from "../lifecycle/data-folder.js";
import { createMembership } from "../lifecycle/membership.js";
import { readIdentity } from "../lifecycle/node-identity.js";
import type { Logger } from "../logging/logger.js";
import { openSoleState } from "./open-sole-state.js";
import type { LastingStorage } from "./open-sole-state.js";

/**
 * Copies a state, sealed as it is, from one storage to another. Both are owned by this process meanwhile, so no server can run on
 * either. What is copied counts at its end, by one small write: whatever ends it before leaves the destination without a state,
 * and the source is never changed.
 */
export interface Migrated {
  readonly keys: number;
  readonly bytes: number;
}

/** What a cluster knows of its servers: those of the source are none of the destination's. */
const SERVERS = "core/raft/server/";

interface Source {
  records(): AsyncGenerator<EntryRecord>;
  close(): Promise<void>;
}

export async function migrate({ source, destination, clusterAddress }: MigrationConfiguration, logger: Logger): Promise<Migrated> {
  const from = source.type === "raft" ? await raftSource(source, logger) : await soleSource(source, logger);
  const copied = { keys: 0, bytes: 0 };
  let isInitialized = false;
  async function* counted(): AsyncGenerator<EntryRecord> {
    for await (const record of from.records()) {
      const [key, value] = record;
      if (key.startsWith(SERVERS)) continue;
      isInitialized ||= key === SEAL_CONFIG_KEY;
      copied.keys += 1;
      copied.bytes += key.length + value.length;
      yield record;
    }
    if (!isInitialized) throw new Error("the source holds no initialized state; nothing was migrated");
  }
  try {
    if (destination.type === "raft") await intoRaft(destination, hostAndPort(clusterAddress!), counted(), logger);
    else await intoSole(destination, counted(), logger);
    return copied;
  } finally {
    await from.close();
  }
}

async function replaceState(log: ReplicatedLog, records: AsyncIterable<EntryRecord>): Promise<void> {
  for await (const entry of restoreEntries(randomUUID(), records)) {
    const { outcome } = await log.propose(entry, log.leadership().term);
    if (outcome !== "applied") throw new Error(`the destination could not be written (${outcome}); run the migration again`);
  }
}

function streamed(snapshot: OpenedSnapshot): AsyncGenerator<EntryRecord> {
  return snapshotRecords(snapshot.chunks);
}

async function soleSource(storage: LastingStorage, logger: Logger): Promise<Source> {
  const state = await openSoleState(storage, "migration", logger, () => undefined);
  const snapshot = await state.openSnapshot();
  return {
    records: () => streamed(snapshot),
    async close() {
      await snapshot.close();
      await state.close();
    },
  };
}

/** What this node has applied: it must have been stopped in order. */
async function raftSource({ path }: RaftStorage, logger: Logger): Promise<Source> {
  const lock = await lockDataFolder(path);
  try {
    const identity = readIdentity(path);
    if (!identity || identity.origin === "founding") throw new Error(`${path} holds no node of a cluster`);
    const state = await openStateDatabase(join(path, "state"), lostWrites);
    await completeState(join(path, "log"), toStateMachine(state, () => undefined), logger);
    const snapshot = await state.openSnapshot();
    return {
      records: () => streamed(snapshot),
      async close() {
        await snapshot.close();
        await state.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function refuseInitialized(isInitialized: boolean): void {
  if (isInitialized) throw new Error("the destination holds an initialized state already; nothing was changed");
}

async function intoSole(storage: LastingStorage, records: AsyncIterable<EntryRecord>, logger: Logger): Promise<void> {
  let lost: string | undefined;
  const state = await openSoleState(storage, "migration", logger, (message) => void (lost = message));
  try {
    refuseInitialized(state.reader.get(SEAL_CONFIG_KEY) !== undefined);
    await replaceState(state.log, records);
  } catch (error) {
    throw lost === undefined ? error : new Error(lost);
  } finally {
    await state.close();
  }
}

/** A new cluster whose first write is the whole state; undone when that does not come to its end. */
async function intoRaft(storage: RaftStorage, advertise: string, records: AsyncIterable<EntryRecord>, logger: Logger): Promise<void> {
  const lock = await lockDataFolder(storage.path);
  const replica = createReplica();
  const membership = createMembership({
    storage,
    // Nobody else takes part yet.
    listen: "127.0.0.1:0",
    advertise,
    replica,
    onQuestion: () => Promise.reject(new Error("this node is being migrated")),
    onFatal: (message) => logger.error("consensus has stopped", { reason: message }),
    answerTimeoutMs: undefined,
    logger,
  });
  try {
    const identity = readIdentity(storage.path);
    refuseInitialized(identity !== undefined && identity.origin !== "founding");
    await membership.found(() => replaceState(replica.log, records));
  } finally {
    await membership.stop();
    await lock.release();
  }
}
