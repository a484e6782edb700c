import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SHIPPED } from "./shipped.js";
import type { Shipped } from "./shipped.js";

/** A mistake somebody could make in the shipped code: one piece of its compiled text, and what stands there instead. */
export interface Mutation {
  /** Folder of the package; `core` where nothing is said. */
  readonly folder?: string;
  /** File in it, without its ending. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
}

/** Compiled code of a package of ours: its `dist`, the folders of it that are needed, and the module in them that is wanted. */
export interface Compiled {
  readonly dist: string;
  readonly folders: readonly string[];
  readonly entry: string;
}

/** That module as it would be with these mistakes: of a copy, so that the shipped code needs no switch for them. */
export async function importWith<T>({ dist, folders, entry }: Compiled, mutations: readonly Mutation[]): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), "coffer-mutation-"));
  try {
    // As deep as the original lies, so that it finds what it loads from outside.
    const root = resolve(dist, "../../..");
    const copy = join(home, "packages", "copy", "dist");
    mkdirSync(copy, { recursive: true });
    for (const name of ["node_modules", "proto"]) symlinkSync(join(root, name), join(home, name));
    for (const folder of folders) cpSync(join(dist, folder), join(copy, folder), { recursive: true, filter: (path) => !/\.(test\.js|map|d\.ts)$/.test(path) });
    writeFileSync(join(dirname(copy), "package.json"), '{"type":"module"}');
    for (const { folder = "core", file, from, to } of mutations) {
      const path = join(copy, folder, `${file}.js`);
      const parts = readFileSync(path, "utf8").split(from);
      if (parts.length !== 2) throw new Error(`${folder}/${file} has ${parts.length - 1} times: ${from}`);
      writeFileSync(path, parts.join(to));
    }
    return (await import(pathToFileURL(join(copy, entry)).href)) as T;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export async function shippedWith(mutations: readonly Mutation[] = []): Promise<Shipped> {
  if (mutations.length === 0) return SHIPPED;
  const dist = fileURLToPath(new URL("../", import.meta.url));
  const { SHIPPED: mutated } = await importWith<{ readonly SHIPPED: Shipped }>({ dist, folders: ["core", "log", "host", "snapshot", "transport", "simulation"], entry: "simulation/shipped.js" }, mutations);
  return mutated;
}
