import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createCore } from "../core/core.js";

/** A mistake somebody could make in the core: one piece of its compiled text, and what stands there instead. */
export interface Mutation {
  /** File in core/, without its ending. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
}

/** The core as it would be with that mistake: a copy, so that the shipped code needs no switch for it. */
export async function coreWith(mutation: Mutation | undefined): Promise<typeof createCore> {
  if (!mutation) return createCore;
  const folder = mkdtempSync(join(tmpdir(), "raft-mutation-"));
  try {
    cpSync(fileURLToPath(new URL("../core/", import.meta.url)), folder, { recursive: true, filter: (path) => !/\.(test\.js|map|d\.ts)$/.test(path) });
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const path = join(folder, `${mutation.file}.js`);
    const parts = readFileSync(path, "utf8").split(mutation.from);
    if (parts.length !== 2) throw new Error(`core/${mutation.file} has ${parts.length - 1} times: ${mutation.from}`);
    writeFileSync(path, parts.join(mutation.to));
    const mutated = (await import(pathToFileURL(join(folder, "core.js")).href)) as { createCore: typeof createCore };
    return mutated.createCore;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
