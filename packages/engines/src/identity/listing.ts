import { setImmediate } from "node:timers/promises";
import { keyList } from "@coffer/state-machine";
import type { EnvelopeResponse, ReadStorage } from "@coffer/state-machine";

/** Other requests get their turn after so many. */
const SLICE = 200;

/** The things whose ids are the names below `folder`, in order of id; those that are gone by now are left out. */
export async function everyOf<T>(storage: ReadStorage, folder: string, get: (storage: ReadStorage, id: string) => T | undefined): Promise<(readonly [id: string, thing: T])[]> {
  const ids = await storage.list(folder);
  const found: (readonly [string, T])[] = [];
  for (const [at, id] of ids.entries()) {
    const thing = get(storage, id);
    if (thing !== undefined) found.push([id, thing]);
    if (at % SLICE === SLICE - 1) await setImmediate();
  }
  return found;
}

/** `{keys, key_info}` by id. */
export async function listById<T>(storage: ReadStorage, folder: string, get: (storage: ReadStorage, id: string) => T | undefined, info: (thing: T) => unknown | Promise<unknown>): Promise<EnvelopeResponse | undefined> {
  const all = await everyOf(storage, folder, get);
  const entries: [string, unknown][] = [];
  for (const [id, thing] of all) entries.push([id, await info(thing)]);
  return keyList(all.map(([id]) => id), Object.fromEntries(entries));
}
