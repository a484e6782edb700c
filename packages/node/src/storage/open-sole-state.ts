import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { lostWrites } from "@coffer/raft";
import { openBackendState, openFolderState } from "@coffer/state-machine";
import type { SoleState, StateBackend } from "@coffer/state-machine";
import type { ConsulStorage, FileStorage, PostgresqlStorage, S3Storage } from "../configuration/types.js";
import { lockDataFolder } from "../lifecycle/data-folder.js";
import type { Logger } from "../logging/logger.js";
import { openConsul } from "./consul-objects.js";
import { createObjectLog } from "./object-log.js";
import { openPostgresql } from "./postgresql-backend.js";
import { openS3 } from "./s3-objects.js";

/** Storage of a node alone that outlives the process. */
export type LastingStorage = FileStorage | PostgresqlStorage | S3Storage | ConsulStorage;

export interface StoredState extends SoleState {
  /** What keeps it from being read and written for now, as a message; undefined while nothing does. */
  fault(): string | undefined;
}

const MS = 1000;
/** The reason is in the log: it may name what is nobody else's business. */
const AWAY = "this node's storage is out of reach: nothing is served until that is over";
const WATCH_MS = 1000;

/** The state in it, owned by this process from here on. `onFatal`: it is not any more, or cannot be written. */
export async function openSoleState(storage: LastingStorage, leaderId: string, logger: Logger, onFatal: (message: string) => void): Promise<StoredState> {
  if (storage.type === "file") return { ...(await openFile(storage, leaderId, onFatal)), fault: () => undefined };
  const onLost = (error: Error) => onFatal(error.message);
  const backend = await openBackend(storage, onLost, (mostMs) => logger.warn("another process holds the storage, or did not give it back when it ended: waiting until it is free", { at_most_seconds: Math.ceil(mostMs / MS) }));
  let isAway = false;
  try {
    const state = await openBackendState({
      backend,
      leaderId,
      onStalled(error) {
        isAway = true;
        logger.error("the storage cannot be written: nothing is served until that can be done again", { reason: error.message });
      },
      onRecovered() {
        isAway = false;
        logger.info("the storage can be written again");
      },
      onLost,
    });
    const watch = watchHold(backend, logger);
    return {
      ...state,
      fault: () => (isAway || !backend.isHeld() ? AWAY : undefined),
      close() {
        clearInterval(watch);
        return state.close();
      },
    };
  } catch (error) {
    await backend.close();
    throw error;
  }
}

/** Without a write to tell of it: reads are refused while nobody knows who owns what is stored. */
function watchHold(backend: StateBackend, logger: Logger): NodeJS.Timeout {
  let wasHeld = true;
  return setInterval(() => {
    const isHeld = backend.isHeld();
    if (isHeld !== wasHeld) logger[isHeld ? "info" : "warn"](isHeld ? "the storage is in reach again" : "the storage is out of reach: reads are refused until it is back");
    wasHeld = isHeld;
  }, WATCH_MS).unref();
}

async function openBackend(storage: Exclude<LastingStorage, FileStorage>, onLost: (error: Error) => void, onWait: (mostMs: number) => void): Promise<StateBackend> {
  if (storage.type === "postgresql") return openPostgresql(storage, onLost);
  return createObjectLog(storage.type === "s3" ? await openS3(storage, onLost, undefined, onWait) : await openConsul(storage, onLost, undefined, onWait));
}

async function openFile({ path }: FileStorage, leaderId: string, onFatal: (message: string) => void): Promise<SoleState> {
  const lock = await lockDataFolder(path);
  try {
    const location = join(path, "state");
    mkdirSync(location, { recursive: true, mode: 0o700 });
    const state = await openFolderState(location, leaderId, lostWrites, (error) => onFatal(`the folder ${path} cannot be written: ${error.message}`));
    return {
      ...state,
      async close() {
        await state.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
