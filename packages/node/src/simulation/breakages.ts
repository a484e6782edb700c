import { fileURLToPath } from "node:url";
import { importWith } from "@coffer/raft/simulation";
import type { Mutation } from "@coffer/raft/simulation";
import type { OpenState } from "./service.js";

const inStore = (file: string, from: string, to: string): Mutation => ({ folder: "store", file, from, to });

/** Mistakes somebody could make in the store, each of which the joined simulation must notice. */
export const STORE_BREAKAGES: Readonly<Record<string, readonly Mutation[]>> = {
  "an applied index written apart from the data": [inStore("state-core", "await write(operations);", 'await write(operations.filter(({ key }) => key !== META_KEY)); await write(operations.filter(({ key }) => key === META_KEY));')],
  "a flush that syncs nothing": [inStore("sync-point", "const synced = { sync: true };", "const synced = { sync: false };"), inStore("sync-point", "await disk.sync(join(location, name))", "await Promise.resolve()")],
  "a flush that syncs the file in use only": [inStore("sync-point", "await disk.sync(join(location, name))", "await Promise.resolve()")],
  "an installed state in use before it is complete": [inStore("state-database", "await load(built, meta, chunks);", "await writeCurrent(disk, root, next); await load(built, meta, chunks);")],
  "an installed state in use before it is durable": [inStore("state-database", "await writeSyncPoint(disk, built, join(root, next), pointAt(built, boot, readMeta(built), meta));", "")],
  "an installed state that a crash forgets": [inStore("state-database", "await writeCurrent(disk, root, next);", "")],
  "the old state dropped before the new one counts": [inStore("state-database", "await writeSyncPoint(disk, built, join(root, next), pointAt(built, boot, readMeta(built), meta));", "await writeSyncPoint(disk, built, join(root, next), pointAt(built, boot, readMeta(built), meta)); await disk.remove(location());")],
  "a damaged state opened": [inStore("state-database", "if (lost !== undefined) {", "if (false) {")],
  "a snapshot that is read later than it was opened": [inStore("state-core", "chunks: writeSnapshot(header, recordsOf(database, options, epochs))", "chunks: writeSnapshot(header, recordsOf(database, {}, epochs))")],
  "a restore under way left out of snapshots": [inStore("state-core", "const epochs = staged ? [epoch, decodeStaged(staged).epoch] : [epoch];", "const epochs = [epoch];")],
  "a restore swept away while it is staged": [inStore("state-core", "[meta.epoch, stagedEpoch()]", "[meta.epoch]")],
  "a state swept away after it was restored": [inStore("state-core", "[meta.epoch, stagedEpoch()]", "[stagedEpoch()]")],
  "a loss of power taken for a crash": [inStore("sync-point", 'boot !== "" && last.boot === boot', "true")],
  "a loss of power that another one makes forgotten": [inStore("sync-point", "last ? later(last.reached, found) : found", "found")],
  "what a restore replaced cleared before the restore is durable": [inStore("state-core", "await settle();", "")],
  "write sets from before a restore taken": [inStore("apply", "if (entry.base < scratch.meta.flippedAt)", "if (false)")],
};

/** The store with these mistakes. */
export async function storeWith(mutations: readonly Mutation[]): Promise<OpenState> {
  const dist = fileURLToPath(new URL(".", import.meta.resolve("@coffer/state-machine")));
  const { openStateDatabase } = await importWith<{ readonly openStateDatabase: NonNullable<OpenState> }>({ dist, folders: ["store"], entry: "store/state-database.js" }, mutations);
  return openStateDatabase;
}
