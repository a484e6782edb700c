import { readBody } from "@coffer/hcl";
import type { BlockReader } from "@coffer/hcl";
import { ConfigurationError } from "./environment.js";
import { readFiles } from "./files.js";
import { readStorage } from "./storage.js";
import type { Storage } from "./types.js";

/** From where to where `operator migrate` copies. */
export interface MigrationConfiguration {
  readonly source: Exclude<Storage, { type: "inmem" }>;
  readonly destination: Exclude<Storage, { type: "inmem" }>;
  /** URL; undefined unless the destination is raft. */
  readonly clusterAddress: string | undefined;
  readonly warnings: readonly string[];
}

/** Throws HclError (file, line, column) or ConfigurationError. The environment names neither side: it is for a server. */
export function loadMigration(path: string): MigrationConfiguration {
  const body = readBody(readFiles([path]));
  const warnings: string[] = [];
  const side = (name: string): MigrationConfiguration["source"] => {
    const blocks: readonly BlockReader[] = body.blocks(name, 1);
    if (blocks.length === 0) throw new ConfigurationError(`the configuration has no ${name}: add ${name} "file" { path = "/opt/coffer/data" }`);
    const storage = readStorage(blocks, {}, warnings);
    return storage.type === "inmem" ? blocks[0]!.fail('storage "inmem" keeps nothing: there is nothing to migrate') : storage;
  };
  const [source, destination] = [side("storage_source"), side("storage_destination")];
  const clusterAddress = body.string("cluster_addr") || undefined;
  if (destination.type === "raft" && clusterAddress === undefined) throw new ConfigurationError('the destination is storage "raft", so the configuration needs cluster_addr, such as "https://node-1.internal:8201"');
  if (clusterAddress !== undefined && !(URL.canParse(clusterAddress) && new URL(clusterAddress).port !== "")) body.fail("cluster_addr", `cluster_addr takes a URL with a port, such as "https://node-1.internal:8201", not ${JSON.stringify(clusterAddress)}`);
  body.end();
  return { source, destination, clusterAddress, warnings };
}
