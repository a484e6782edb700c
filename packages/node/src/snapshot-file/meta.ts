import { invalid } from "@coffer/state-machine";

/** What a snapshot says about itself. */
export interface SnapshotFileMeta {
  readonly id: string;
  /** Last log entry that the state holds. */
  readonly index: number;
  readonly term: number;
  readonly configurationIndex: number;
  readonly servers: readonly { readonly id: string; readonly address: string; readonly voter: boolean }[];
}

const VERSION = 1;
/** hashicorp/raft's ServerSuffrage on the wire. */
const VOTER = 0;
const NON_VOTER = 1;

/** meta.json as hashicorp/raft writes its SnapshotMeta. `Peers` belonged to version 0 and is empty since. */
export function encodeMeta(meta: SnapshotFileMeta, stateBytes: number): Uint8Array {
  return Buffer.from(JSON.stringify({
    Version: VERSION,
    ID: meta.id,
    Index: meta.index,
    Term: meta.term,
    Peers: null,
    Configuration: { Servers: meta.servers.map(({ id, address, voter }) => ({ Suffrage: voter ? VOTER : NON_VOTER, ID: id, Address: address })) },
    ConfigurationIndex: meta.configurationIndex,
    Size: stateBytes,
  }));
}

/** Throws RequestError `invalid_request`. */
export function decodeMeta(bytes: Uint8Array, stateBytes: number): SnapshotFileMeta {
  const meta = record(parsed(bytes), "it");
  if (meta["Version"] !== VERSION) throw bad(`its Version is ${JSON.stringify(meta["Version"])}, not ${VERSION}`);
  if (count(meta, "Size") !== stateBytes) throw bad(`its Size is ${count(meta, "Size")}, but state.bin has ${stateBytes} bytes`);
  const servers = record(meta["Configuration"], "Configuration")["Servers"];
  if (!Array.isArray(servers)) throw bad("Configuration.Servers is not a list");
  return {
    id: text(meta, "ID"),
    index: count(meta, "Index"),
    term: count(meta, "Term"),
    configurationIndex: count(meta, "ConfigurationIndex"),
    servers: servers.map((value: unknown) => {
      const server = record(value, "a server");
      const suffrage = server["Suffrage"];
      if (suffrage !== VOTER && suffrage !== NON_VOTER) throw bad(`a server's Suffrage is ${JSON.stringify(suffrage)}`);
      return { id: text(server, "ID"), address: text(server, "Address"), voter: suffrage === VOTER };
    }),
  };
}

function bad(what: string) {
  return invalid(`the snapshot's meta.json cannot be used: ${what}`);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw bad("it is not JSON");
  }
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${what} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

function text(object: Readonly<Record<string, unknown>>, name: string): string {
  const value = object[name];
  if (typeof value !== "string") throw bad(`${name} is not a string`);
  return value;
}

function count(object: Readonly<Record<string, unknown>>, name: string): number {
  const value = object[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw bad(`${name} is not a count`);
  return value as number;
}
