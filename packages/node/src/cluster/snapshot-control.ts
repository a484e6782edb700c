import type { Readable } from "node:stream";
import { randomUUID, timingSafeEqual } from "node:crypto";
import { deriveKey, invalid, RequestError, restoreEntries, snapshotRecords, StateFormatError } from "@coffer/state-machine";
import type { Barrier, ReplicatedLog } from "@coffer/state-machine";
import { unsupportedPath } from "./cluster-control.js";
import { open, seal } from "../lifecycle/join-protocol.js";
import type { Member } from "../lifecycle/member.js";
import type { Logger } from "../logging/logger.js";

/** Saving and restoring the whole state, on the active node. */
export interface SnapshotControl {
  save(): Promise<Readable>;
  /** The file is checked whole before anything changes. `force`: also of another cluster, whose keys then unseal this one. */
  restore(stream: Readable, force: boolean): Promise<void>;
}

export interface SnapshotControlOptions {
  readonly member: () => Member | undefined;
  readonly log: ReplicatedLog;
  readonly barrier: Barrier;
  readonly logger: Logger;
  readonly spoolDirectory: string;
}

/** Loaded with the first snapshot. */
const files = () => import("../snapshot-file/index.js");

const FOREIGN = "could not verify hash file, possibly the snapshot is using a different set of unseal keys; use the snapshot-force API to bypass this check";

export function createSnapshotControl({ member, log, barrier, logger, spoolDirectory }: SnapshotControlOptions): SnapshotControl {
  function current(): Member {
    const found = member();
    if (!found) throw unsupportedPath();
    return found;
  }

  async function* stateOf({ thread }: Member, id: number): AsyncGenerator<Uint8Array> {
    for (let chunk = await thread.call("snapshotChunk", id); chunk !== null; chunk = await thread.call("snapshotChunk", id)) yield chunk;
  }

  async function proposeAll(entries: AsyncIterable<Uint8Array>): Promise<void> {
    const { term } = log.leadership();
    for await (const entry of entries) {
      const { outcome } = await log.propose(entry, term);
      if (outcome === "applied") continue;
      if (outcome === "overloaded") throw new RequestError("overloaded", "the replication pipeline is full; nothing changed. Try again");
      if (outcome === "conflict") throw new RequestError("overloaded", "another restore began meanwhile; this one changed nothing");
      throw new RequestError("no_active_node", "leadership was lost during the restore; unless it had reached its last step, nothing changed. Try again");
    }
  }

  return {
    async save() {
      const found = current();
      const { writeSnapshotFile } = await files();
      // Who was deposed without knowing it must not hand out an old state as a backup.
      if ((await log.readBarrier()).outcome !== "ready") throw new RequestError("no_active_node", "this node is not the active node any more; try again");
      const { servers, configurationIndex } = await found.thread.call("status", null);
      const { id, index, term } = await found.thread.call("openSnapshot", null);
      try {
        // It has read the state to its end, or given up, when it is done.
        return await writeSnapshotFile({
          meta: { index, term, configurationIndex, servers: servers.map((server) => ({ id: server.id, address: server.address, voter: server.voter })) },
          state: stateOf(found, id),
          seal: (sums) => seal(barrier.derive("snapshot-seal"), sums),
          spoolDirectory,
        });
      } finally {
        await found.thread.call("closeSnapshot", id);
      }
    },
    async restore(stream, force) {
      current();
      const { readSnapshotFile } = await files();
      const file = await readSnapshotFile(stream, spoolDirectory);
      try {
        if (!force) {
          const sums = open(deriveKey(barrier.rootKey(), "snapshot-seal"), file.sealedSums);
          if (!sums || sums.length !== file.sums.length || !timingSafeEqual(sums, file.sums)) throw invalid(FOREIGN);
        }
        // Read once to its end: damage inside the state must show before the first entry is proposed.
        for await (const _ of snapshotRecords(file.state()));
        logger.info("restoring a snapshot", { index: file.meta.index, bytes: file.stateSize, force });
        await proposeAll(restoreEntries(randomUUID(), snapshotRecords(file.state())));
        logger.info("restored a snapshot", { index: file.meta.index });
      } catch (error) {
        if (error instanceof StateFormatError) throw invalid(`the snapshot's state cannot be read: ${error.message}`);
        throw error;
      } finally {
        await file.dispose();
      }
    },
  };
}
