import { decodeConfiguration } from "../core/configuration.js";
import type { Configuration, Entry, Message } from "../core/types.js";

/** "a b c*": a and b vote, c learns. During a change, what was before it follows. */
export function tellConfiguration({ servers, outgoing }: Configuration): string {
  if (servers.length === 0) return "(nobody)";
  const now = servers.filter(({ id }) => !outgoing?.leaving.includes(id)).map(({ id, voter }) => (voter ? id : `${id}*`)).join(" ");
  return outgoing ? `(${now}) and (${outgoing.voters.join(" ")})` : `(${now})`;
}

export function readConfiguration(text: string): Configuration {
  return { servers: text.split(" ").filter(Boolean).map((word) => ({ id: word.replace("*", ""), address: `${word.replace("*", "")}:1`, voter: !word.endsWith("*") })) };
}

export function tellEntry({ index, term, kind, data }: Entry): string {
  const what = kind === "config" ? tellConfiguration(decodeConfiguration(data)) : kind === "noop" ? "no-op" : new TextDecoder().decode(data);
  return `${index}/${term} ${what}`;
}

/** Places in the log are told as index/term. */
export function tellMessage(message: Message): string {
  return `${message.from}>${message.to} ${message.type}${tellContent(message)}`;
}

function tellContent(message: Message): string {
  switch (message.type) {
    case "pre-vote":
    case "vote":
      return ` for term ${message.term}, log ends at ${message.lastIndex}/${message.lastTerm}${message.force ? ", forced" : ""}`;
    case "pre-vote-response":
    case "vote-response":
      return message.granted ? ": yes" : `: no, in term ${message.term}`;
    case "append":
      return ` after ${message.prevIndex}/${message.prevTerm}: ${message.entries.map(tellEntry).join(", ") || "nothing"}; commit ${message.commit}`;
    case "append-response":
      return message.ok ? `: up to ${message.index}` : `: not after ${message.index}, try ${message.hintIndex}/${message.hintTerm}`;
    case "heartbeat":
      return ` commit ${message.commit}${message.round > 0 ? `, round ${message.round}` : ""}`;
    case "heartbeat-response":
      return message.round > 0 ? ` round ${message.round}` : "";
    case "snapshot":
      return ` of ${message.meta.index}/${message.meta.term}`;
    case "snapshot-response":
      return message.ok ? `: installed ${message.index}` : ": failed";
    case "read-index":
      return "";
    case "read-index-response":
      return message.index === undefined ? ": does not lead" : `: ${message.index}`;
    case "timeout-now":
      return "";
  }
}
