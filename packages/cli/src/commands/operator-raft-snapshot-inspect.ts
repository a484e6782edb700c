import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import type { StateSummary } from "@coffer/node";
import type { Command } from "../framework/command.js";
import type { Context } from "../framework/context.js";
import { errorText } from "../framework/error-text.js";
import { Failure } from "../framework/failure.js";
import { recordOf } from "../framework/json.js";
import { formatTable } from "../output/columns.js";
import { formatMapTable } from "../output/secret-table.js";

/** Files of a snapshot that are read whole; the state itself is only hashed. */
const MAX_SMALL_FILE_BYTES = 1 << 20;
const DEFAULT_DEPTH = 2;
const KILO = 1024;

export const command: Command = {
  usage: "operator raft snapshot inspect [options] <snapshot_file>",
  description: "Prints what a snapshot file says about itself, and checks its checksums. Needs no server.\n\n    $ coffer operator raft snapshot inspect raft.snap",
  args: { min: 0, max: Infinity },
  flags: [
    { name: "details", kind: "bool", help: "Whether to print how much lies below which keys (true)." },
    { name: "depth", kind: "int", help: "How many segments of a key name its group (2)." },
    { name: "filter", kind: "string", help: "Count only keys that begin with this." },
  ],
  run: async (context) => {
    if (context.args.length !== 1) throw new Failure(`Incorrect arguments (expected 1, got ${context.args.length})`);
    const path = (context.args[0] ?? "").trim();
    let files: Files;
    try {
      files = await readSnapshot(path);
    } catch (cause) {
      throw new Failure(`Error inspecting the snapshot: ${errorText(cause)}`, 2, { cause });
    }
    const meta = recordOf(JSON.parse(files.text.get("meta.json") ?? "null"));
    if (meta === undefined) throw new Failure("Error inspecting the snapshot: it holds no meta.json", 2);
    const bad = failedChecksums(files);
    if (bad.length > 0) throw new Failure(`Error inspecting the snapshot: the checksum of ${bad.join(", ")} does not match`, 2);
    const facts = { id: meta["ID"], index: meta["Index"], term: meta["Term"], version: meta["Version"], size: meta["Size"] };
    const summary = await details(path, context);
    if (context.format !== "table") return context.printData({ ...facts, ...(summary && { StatsKV: summary.stats.map(({ name, count, size }) => ({ Name: name, Count: count, Size: size })), TotalCountKV: summary.totalCount, TotalSizeKV: summary.totalSize }) });
    context.print(formatMapTable(facts));
    if (summary) context.print(`\n${formatTable([["Key Name", "Count", "Size"], ...summary.stats.map(({ name, count, size }) => [name, String(count), inUnits(size)]), ["Total", String(summary.totalCount), inUnits(summary.totalSize)]])}`);
    return 0;
  },
};

async function details(path: string, { flags }: Context): Promise<StateSummary | undefined> {
  if (flags.has("details") && !flags.bool("details")) return undefined;
  const depth = flags.int("depth", DEFAULT_DEPTH);
  if (depth < 1) throw new Failure("-depth must be at least 1");
  const { summariseSnapshot } = await import("@coffer/node");
  return summariseSnapshot(path, { depth, filter: flags.string("filter") }).catch((cause: unknown) => {
    throw new Failure(`Error inspecting the snapshot: ${errorText(cause)}`, 2, { cause });
  });
}

function inUnits(bytes: number): string {
  if (bytes < KILO) return `${bytes}B`;
  return bytes < KILO * KILO ? `${(bytes / KILO).toFixed(1)}KB` : `${(bytes / KILO / KILO).toFixed(1)}MB`;
}

type Files = { readonly text: Map<string, string>; readonly sha256: Map<string, string> };

async function readSnapshot(path: string): Promise<Files> {
  const files: Files = { text: new Map(), sha256: new Map() };
  const archive = extract();
  archive.on("entry", (header, body, next) => {
    const hash = createHash("sha256");
    const chunks: Buffer[] = [];
    const small = (header.size ?? 0) <= MAX_SMALL_FILE_BYTES;
    body.on("data", (data) => {
      const chunk = data as Buffer;
      hash.update(chunk);
      if (small) chunks.push(chunk);
    });
    body.on("end", () => {
      files.sha256.set(header.name, hash.digest("hex"));
      if (small) files.text.set(header.name, Buffer.concat(chunks).toString("utf8"));
      next();
    });
  });
  await pipeline(createReadStream(path), createGunzip(), archive);
  return files;
}

/** Names in SHA256SUMS whose file is missing or has another hash. */
function failedChecksums(files: Files): string[] {
  const lines = (files.text.get("SHA256SUMS") ?? "").split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) return ["SHA256SUMS"];
  return lines.flatMap((line) => {
    const [digest = "", name = ""] = line.trim().split(/\s+/);
    return files.sha256.get(name) === digest ? [] : [name];
  });
}
