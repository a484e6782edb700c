import { META_KEY, decodeMeta, epochPrefix } from "../store/state-layout.js";
import { openStateDatabase } from "../store/state-database.js";
import type { StateDatabase } from "../store/state-database.js";
import type { Chance } from "./chance.js";
import { createSimulatedDisk } from "./simulated-disk.js";
import { digestOf } from "./workload.js";

/** The shipped state database on a simulated disk: it outlives its process, less what a loss of power takes. */
export interface SimulatedStore {
  /** Rejects with StateFormatError where the state is found to be damaged. */
  open(work: () => Promise<void>): Promise<StateDatabase>;
  /** Of what the state that was opened last holds in memory and on disk. */
  digest(): number;
  losePower(): void;
  damage(): boolean;
  wipe(): void;
}

const FOLDER = "/state";

export function createSimulatedStore(chance: Chance, open: typeof openStateDatabase = openStateDatabase): SimulatedStore {
  const disk = createSimulatedDisk(chance);
  let state: StateDatabase | undefined;
  let location = "";

  return {
    async open(work) {
      state = await open(FOLDER, (folder) => (disk.level(folder)?.isDamaged() ? "checksum mismatch" : undefined), disk.attach(work));
      location = state.location();
      return state;
    },
    digest() {
      location = state!.location();
      const content = disk.level(location)!.content();
      const prefix = epochPrefix(decodeMeta(content.get(META_KEY)!).epoch);
      const ours = [...content].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value] as const);
      return digestOf(new Map(ours));
    },
    losePower: disk.losePower,
    damage: () => disk.level(location)?.damage() ?? false,
    wipe: disk.wipe,
  };
}
