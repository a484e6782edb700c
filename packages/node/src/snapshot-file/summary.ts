import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { snapshotRecords } from "@coffer/state-machine";
import { extract } from "tar-stream";

/** How much of a state lies below which keys. Keys are no secrets, and are not sealed; values are counted as they lie there. */
export interface StateSummary {
  /** By size, the largest first. */
  readonly stats: readonly { readonly name: string; readonly count: number; readonly size: number }[];
  readonly totalCount: number;
  /** Bytes. */
  readonly totalSize: number;
}

/** `depth`: segments of a key that name its group. `filter`: what counted keys begin with. Rejects for a file that is no snapshot. */
export async function summariseSnapshot(path: string, { depth, filter }: { readonly depth: number; readonly filter: string }): Promise<StateSummary> {
  const groups = new Map<string, { count: number; size: number }>();
  const archive = extract();
  const reading = (async () => {
    for await (const entry of archive) {
      if (entry.header.name === "state.bin") await count(entry as AsyncIterable<Uint8Array>);
      else entry.resume();
    }
  })();

  async function count(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const [key, value] of snapshotRecords(chunks)) {
      if (!key.startsWith(filter)) continue;
      const name = key.split("/").slice(0, depth).join("/");
      const group = groups.get(name) ?? { count: 0, size: 0 };
      groups.set(name, { count: group.count + 1, size: group.size + Buffer.byteLength(key) + value.length });
    }
  }

  await Promise.all([pipeline(createReadStream(path), createGunzip(), archive), reading]);
  const stats = [...groups].map(([name, group]) => ({ name, ...group })).sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  return { stats, totalCount: stats.reduce((sum, { count: one }) => sum + one, 0), totalSize: stats.reduce((sum, { size }) => sum + size, 0) };
}
