import { basename, dirname } from "node:path";
import type { StateDisk } from "../store/state-disk.js";
import type { Chance } from "./chance.js";
import { createSimulatedLevel } from "./simulated-level.js";
import type { SimulatedLevel } from "./simulated-level.js";

interface File {
  text: string;
  isSynced: boolean;
}

/** A folder that LevelDB has is one thing here; small files and such folders are what names stand for. */
type Thing = File | SimulatedLevel;
type Names = Map<string, Thing>;
/** Adds and removes names as one. */
type Change = (names: Names) => void;

/** A disk with a journal for names: a loss of power leaves the earlier of their changes, and of a file that was not synced anything. */
export interface SimulatedDisk {
  /** For one process. `work`: what each step waits for; of a process that ended, for ever. */
  attach(work: () => Promise<void>): StateDisk;
  /** The database in that folder. */
  level(folder: string): SimulatedLevel | undefined;
  losePower(): void;
  wipe(): void;
}

const isLevel = (thing: Thing | undefined): thing is SimulatedLevel => thing !== undefined && "open" in thing;
const gone = (path: string) => Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });

export function createSimulatedDisk(chance: Chance): SimulatedDisk {
  let names: Names = new Map();
  let durable: Names = new Map();
  let journal: Change[] = [];
  let boots = 1;

  function change(how: Change): void {
    how(names);
    journal.push(how);
  }

  function syncNames(): void {
    for (const how of journal) how(durable);
    journal = [];
  }

  function level(folder: string): SimulatedLevel | undefined {
    const thing = names.get(folder);
    return isLevel(thing) ? thing : undefined;
  }

  return {
    level,
    attach: (work) => ({
      makeFolder: work,
      async openLevel(folder) {
        await work();
        let found = level(folder);
        if (!found) {
          const begun = (found = createSimulatedLevel(chance));
          change((all) => void all.set(folder, begun));
        }
        return found.open(work);
      },
      closeLevel: (database) => database.close(),
      async list(folder) {
        await work();
        return level(folder)?.files() ?? [...names.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path));
      },
      async read(path) {
        await work();
        const thing = names.get(path);
        return thing && !isLevel(thing) ? thing.text : undefined;
      },
      async write(path, text) {
        const file: File = { text, isSynced: false };
        change((all) => void all.set(path, file));
        await work();
        file.isSynced = true;
      },
      async rename(from, to) {
        await work();
        const thing = names.get(from)!;
        change((all) => {
          all.delete(from);
          all.set(to, thing);
        });
      },
      async bootId() {
        await work();
        return `boot-${boots}`;
      },
      async sync(path) {
        await work();
        const inLevel = level(dirname(path));
        if (inLevel && !inLevel.sync(basename(path))) throw gone(path);
        if (!inLevel) syncNames();
      },
      async remove(path) {
        await work();
        change((all) => void all.delete(path));
      },
    }),
    losePower() {
      boots += 1;
      for (const how of journal.slice(0, chance.int(0, journal.length))) how(durable);
      journal = [];
      names = new Map(durable);
      for (const thing of names.values()) {
        if (isLevel(thing)) thing.losePower();
        else if (!thing.isSynced) thing.text = thing.text.slice(0, chance.int(0, thing.text.length));
      }
    },
    wipe() {
      names = new Map();
      durable = new Map();
      journal = [];
    },
  };
}
