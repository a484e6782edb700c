import type { Configuration, LogIndex, NodeId } from "./types.js";
import { isVoter } from "./quorum.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of a `config` entry. Without a change under way they are those of versions that knew no joint configurations. */
export function encodeConfiguration({ servers, outgoing }: Configuration): Uint8Array {
  return encoder.encode(JSON.stringify({
    servers: servers.map(({ id, address, voter }) => ({ id, address, voter })),
    ...(outgoing && { outgoing: { voters: outgoing.voters, leaving: outgoing.leaving } }),
  }));
}

export function decodeConfiguration(bytes: Uint8Array): Configuration {
  return JSON.parse(decoder.decode(bytes)) as Configuration;
}

/**
 * The configurations in force along the log: the newest counts from the moment it is appended, and goes again when its entry
 * is truncated.
 */
export interface ConfigurationHistory {
  readonly current: () => Configuration;
  readonly currentIndex: () => LogIndex;
  /** Whether this server votes in the last committed configuration or one after it. */
  readonly mayYetVote: (id: NodeId) => boolean;
  append(index: LogIndex, configuration: Configuration): void;
  /** Entries from `index` on are gone. True when that changed the current one. */
  truncate(index: LogIndex): boolean;
  /** Older ones than the last committed are no longer needed. */
  committed(index: LogIndex): void;
  reset(index: LogIndex, configuration: Configuration): void;
}

export function createConfigurationHistory(index: LogIndex, configuration: Configuration): ConfigurationHistory {
  let history = [{ index, configuration }];
  const last = () => history[history.length - 1]!;
  return {
    current: () => last().configuration,
    currentIndex: () => last().index,
    mayYetVote: (id) => history.some((one) => isVoter(one.configuration, id)),
    append: (at, next) => void history.push({ index: at, configuration: next }),
    truncate(from) {
      const before = history.length;
      while (history.length > 1 && last().index >= from) history.pop();
      return history.length !== before;
    },
    committed(upTo) {
      while (history.length > 1 && history[1]!.index <= upTo) history.shift();
    },
    reset: (at, next) => void (history = [{ index: at, configuration: next }]),
  };
}
