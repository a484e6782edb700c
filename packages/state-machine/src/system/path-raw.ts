import { RECOVERY_KEY_KEY, ROOT_KEY_WRAPS_KEY } from "../barrier/auto-seal.js";
import { HANDOVER_KEY } from "../barrier/handover.js";
import { CLUSTER_KEY } from "../barrier/initialize.js";
import { KEYRING_KEY } from "../barrier/keyring.js";
import { RECOVERY_CONFIG_KEY, SEAL_CONFIG_KEY } from "../barrier/seal-config.js";
import { BarrierError } from "../barrier/sealed-value.js";
import { ROOT_KEY_KEY } from "../barrier/shamir-seal.js";
import { RequestError, invalid } from "../errors.js";
import { NO_CONTENT, data, field, keyList, pageFields } from "../framework/index.js";
import type { Codec, ReadStorage, WriteStorage } from "../framework/index.js";
import type { StoreTransaction } from "../store/transaction.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import { isCompressed, pack, unpack } from "./stored-compression.js";

/** What no caller may see or change here: the keys of everything, and the name that the cluster's members know each other by. */
const PROTECTED = [KEYRING_KEY, ROOT_KEY_KEY, ROOT_KEY_WRAPS_KEY, HANDOVER_KEY, RECOVERY_KEY_KEY, CLUSTER_KEY];
/** Stored outside the barrier. It may be read; a mistake in it would leave the cluster sealed for good. */
const READ_ONLY = [SEAL_CONFIG_KEY, RECOVERY_CONFIG_KEY];

const BYTES: Codec<Uint8Array> = Object.freeze({ encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes });

function requireOpen(path: string): void {
  if (PROTECTED.includes(path)) throw invalid(`cannot access ${JSON.stringify(path)}`);
}

function requireWritable(path: string): void {
  requireOpen(path);
  if (path === "") throw invalid("a path is needed");
  if (READ_ONLY.includes(path)) throw invalid(`cannot change ${JSON.stringify(path)}`);
}

function stored(storage: ReadStorage, path: string): Uint8Array | undefined {
  // Operations that are declared to reach everything get the whole transaction.
  if (READ_ONLY.includes(path)) return (storage as StoreTransaction).getRaw(path);
  try {
    return storage.get(path, BYTES);
  } catch (error) {
    if (error instanceof BarrierError) throw new RequestError("internal", `what is stored at ${JSON.stringify(path)} cannot be opened: it is damaged`);
    throw error;
  }
}

function isStoredCompressed(storage: WriteStorage, path: string): boolean {
  try {
    const before = stored(storage, path);
    return before !== undefined && isCompressed(before);
  } catch (error) {
    // Damage is what this path is there to mend.
    if (error instanceof RequestError) return false;
    throw error;
  }
}

function checkEncoding(encoding: string): void {
  if (encoding !== "" && encoding !== "base64") throw invalid(`invalid encoding ${JSON.stringify(encoding)}`);
}

function decodeValue(value: string, encoding: string): Uint8Array {
  checkEncoding(encoding);
  if (encoding === "") return Buffer.from(value);
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) throw invalid("illegal base64 data");
  return Buffer.from(value, "base64");
}

/** `raw` alone takes the path as a parameter. */
const rawPath = (template: "raw" | "raw/{path...}") => systemPath({
  template: template as "raw/{path...}",
  help: {
    synopsis: "Reads and writes what is stored, below all engines.",
    description: "Only where the configuration says raw_storage_endpoint = true, and in recovery mode. Nothing checks what is written: a mistake can make the service unusable.",
  },
  fields: {
    path: field.string({ description: "The storage key; of a list, what the keys begin with.", default: "" }),
    value: field.string({ description: "What to store.", sensitive: true, default: "" }),
    encoding: field.string({ description: "`base64`, for values that are no text; empty otherwise.", query: true, default: "" }),
    compressed: field.bool({ description: "Whether a value that was stored compressed is unpacked.", query: true, default: true }),
    compression_type: field.string({ description: "`gzip` stores it compressed, empty does not. Left out: as it was stored before.", default: "" }),
    ...pageFields("keys"),
  },
  exists: ({ input }, storage) => PROTECTED.includes(input.path) || stored(storage, input.path) !== undefined,
  operations: {
    read: {
      summary: "Reads what is stored.", effect: "read", access: "sudo", wholeStorage: true,
      handler: ({ input: { path, encoding, compressed } }, storage) => {
        checkEncoding(encoding);
        requireOpen(path);
        const bytes = stored(storage, path);
        if (!bytes) return undefined;
        const value = Buffer.from(compressed ? unpack(bytes) : bytes);
        return data({ value: value.toString(encoding === "base64" ? "base64" : "utf8") });
      },
    },
    update: {
      summary: "Stores a value.", effect: "write", access: "sudo", wholeStorage: true,
      handler: ({ input, given }, storage) => {
        const { path } = input;
        const value = decodeValue(input.value, input.encoding);
        requireWritable(path);
        const type = input.compression_type;
        if (type !== "" && type !== "gzip") throw invalid(`invalid compression type ${JSON.stringify(type)}`);
        const before = isStoredCompressed(storage, path);
        if (type === "gzip" && !before && storage.get(path, BYTES) !== undefined) throw invalid("the entry uses a different compression scheme than compression_type");
        storage.put(path, BYTES, type === "gzip" || (!given("compression_type") && before) ? pack(value) : value);
        return NO_CONTENT;
      },
    },
    delete: {
      summary: "Deletes what is stored.", effect: "write", access: "sudo", wholeStorage: true,
      handler: ({ input: { path } }, storage) => {
        requireWritable(path);
        storage.delete(path);
        return NO_CONTENT;
      },
    },
    list: {
      summary: "Lists keys.", effect: "read", access: "sudo", wholeStorage: true,
      handler: async ({ input: { path, after, limit } }, storage) => keyList(await storage.list(path === "" || path.endsWith("/") ? path : `${path}/`, { after, limit })),
    },
  },
});

/** Beside those of `systemEngine`, where an operator opened them. */
export const rawPaths: readonly SystemPath[] = [rawPath("raw/{path...}"), rawPath("raw")];
