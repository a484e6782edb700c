import { MemoryLevel } from "memory-level";
import type { OrderedDatabase, StateOperation } from "../store/state-core.js";
import type { Chance } from "./chance.js";

/** A write-ahead file of LevelDB: batches, of which a loss of power leaves the synced ones and some of the rest. */
interface Wal {
  readonly name: string;
  readonly batches: (readonly StateOperation[])[];
  synced: number;
}

/** A LevelDB in its folder: tables, and write-ahead files that are not in tables yet. */
export interface SimulatedLevel {
  /** Opens it with what is there. `work`: what a step of writing waits for. */
  open(work: () => Promise<void>): Promise<OrderedDatabase>;
  /** Of what was opened last. */
  content(): ReadonlyMap<string, Uint8Array>;
  files(): string[];
  /** False when there is no such write-ahead file (any more). */
  sync(file: string): boolean;
  /** A process that ends takes nothing along. */
  losePower(): void;
  /** A bit turned over in a write-ahead file: LevelDB drops what its checksum stood for, goes on behind it, and says so. */
  damage(): boolean;
  isDamaged(): boolean;
}

export function createSimulatedLevel(chance: Chance): SimulatedLevel {
  const tables = new Map<string, Uint8Array>();
  let files = 1;
  const newWal = (): Wal => ({ name: `${String(++files).padStart(6, "0")}.log`, batches: [], synced: 0 });
  let wals = [newWal()];
  let content = new Map<string, Uint8Array>();
  let damaged = false;

  function apply(to: Map<string, Uint8Array>, operations: readonly StateOperation[]): void {
    for (const operation of operations) {
      if (operation.type === "put") to.set(operation.key, operation.value);
      else to.delete(operation.key);
    }
  }

  /** The file in use is full, or the table of the one before is built and synced. */
  function turnOver(): void {
    if (wals.length === 1) wals.push(newWal());
    else for (const operations of wals.shift()!.batches) apply(tables, operations);
  }

  async function write(operations: readonly StateOperation[], isSynced: boolean, work: () => Promise<void>, memory: MemoryLevel<string, Uint8Array>): Promise<void> {
    await work();
    if (chance.chance(0.1)) turnOver();
    const wal = wals[wals.length - 1]!;
    wal.batches.push(operations);
    const { length } = wal.batches;
    await work();
    if (isSynced) wal.synced = Math.max(wal.synced, length);
    apply(content, operations);
    await memory.batch([...operations]);
  }

  return {
    async open(work) {
      await work();
      content = new Map(tables);
      for (const { batches } of wals) for (const operations of batches) apply(content, operations);
      const memory = new MemoryLevel<string, Uint8Array>({ keyEncoding: "utf8", valueEncoding: "view" });
      await memory.open();
      await memory.batch([...content].map(([key, value]) => ({ type: "put", key, value })));
      const database = {
        getSync: memory.getSync.bind(memory),
        keys: memory.keys.bind(memory),
        iterator: memory.iterator.bind(memory),
        snapshot: memory.snapshot.bind(memory),
        batch: (operations?: readonly StateOperation[], options?: { readonly sync?: boolean }) => (operations ? write(operations, options?.sync === true, work, memory) : chained((all) => write(all, false, work, memory))),
        put: (key: string, value: Uint8Array) => write([{ type: "put", key, value }], false, work, memory),
        async close() {
          await work();
          await memory.close();
        },
      };
      // The few of LevelDB's methods that a state uses.
      return database as unknown as OrderedDatabase;
    },
    content: () => content,
    files: () => ["MANIFEST-000001", ...wals.map(({ name }) => name)],
    sync(file) {
      const wal = wals.find(({ name }) => name === file);
      if (wal) wal.synced = wal.batches.length;
      return wal !== undefined;
    },
    losePower() {
      // What was not synced goes from the last write of each file backwards: of the older file too, whatever stays of the newer.
      wals = wals.map((wal) => {
        const kept = chance.int(wal.synced, wal.batches.length);
        return { ...wal, batches: wal.batches.slice(0, kept), synced: kept };
      });
    },
    damage() {
      const hit = wals.filter(({ batches }) => batches.length > 1);
      if (hit.length === 0) return false;
      const { batches } = chance.pick(hit);
      batches.splice(chance.int(0, batches.length - 2), 1);
      damaged = true;
      return true;
    },
    isDamaged: () => damaged,
  };
}

function chained(write: (operations: readonly StateOperation[]) => Promise<void>) {
  const operations: StateOperation[] = [];
  return {
    put: (key: string, value: Uint8Array) => void operations.push({ type: "put", key, value }),
    del: (key: string) => void operations.push({ type: "del", key }),
    write: () => write(operations),
  };
}
