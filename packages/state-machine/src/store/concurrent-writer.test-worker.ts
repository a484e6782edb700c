import { parentPort, workerData } from "node:worker_threads";
import { encodeEntry } from "./entry.js";
import { openStateDatabase } from "./state-database.js";

/** The applying thread of state-reader.test.ts: writes two keys as a pair until told to stop, and replaces its own state now and then. */
const { directory } = workerData as { directory: string };
const port = parentPort!;
const database = await openStateDatabase(directory, () => undefined);
let stopping = false;
port.on("message", (message) => {
  if (message === "stop") stopping = true;
  // Readers are closed by now.
  if (message === "close") void database.close().then(() => port.close());
});
port.postMessage({ location: database.location(), index: 0, keys: [] });

const pair = (value: number) => {
  const bytes = Buffer.alloc(100, `${value};`);
  return encodeEntry({ kind: "write", base: 0, puts: [["left", bytes], ["right", bytes], [`filler/${value % 50}`, bytes]], deletes: [] });
};

for (let round = 1; !stopping; round++) {
  const first = database.appliedIndex() + 1;
  const group = [0, 1, 2].map((i) => ({ index: first + i, term: 1, kind: "normal" as const, data: pair(first + i) }));
  const outcomes = await database.apply(group);
  port.postMessage({ index: first + 2, keys: outcomes.flatMap(({ keys }) => keys) });
  if (round % 200 === 0) {
    const snapshot = await database.openSnapshot();
    const { location } = await database.installSnapshot(snapshot, snapshot.chunks);
    await snapshot.close();
    port.postMessage({ index: database.appliedIndex(), keys: [], location });
  }
  if (round % 50 === 0) await database.flush();
}
port.postMessage({ done: true });
