import type { ReplicatedLog, StateReader } from "./replicated-log.js";
import { createSoleLog } from "./sole-log.js";
import { createStateCore } from "./state-core.js";
import type { OrderedDatabase } from "./state-core.js";
import { readerOf } from "./state-reader.js";

/** A log of one member, in memory, always leading: for -dev and tests. Entries and conflicts are those of the real one. */
export interface MemoryLog {
  readonly log: ReplicatedLog;
  readonly reader: StateReader;
}

export async function openMemoryDatabase(): Promise<OrderedDatabase> {
  const { MemoryLevel } = await import("memory-level");
  const database = new MemoryLevel<string, Uint8Array>({ keyEncoding: "utf8", valueEncoding: "view" });
  await database.open();
  return database;
}

export async function createMemoryLog(): Promise<MemoryLog> {
  const database = await openMemoryDatabase();
  return { log: createSoleLog(createStateCore(database), "memory").log, reader: readerOf(database) };
}
