import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { WriteStorage } from "../framework/storage.js";
import type { TokenEntry } from "../tokens/index.js";
import { expireLeasesOf } from "./lease.js";

const goneCodec = jsonCodec<Record<string, never>>();

/** What a removed token leaves behind: its leases end, its wrapped response goes, its cubbyhole is cleaned up later. */
export function tokenRemoved(env: Environment): (storage: WriteStorage, entry: TokenEntry) => void {
  return (storage, entry) => {
    storage.delete(`wrapping/${entry.id}`);
    if (entry.policies[0] !== "response-wrapping") storage.put(`token/gone/${entry.id}`, goneCodec, {});
    expireLeasesOf(storage, entry.id, env);
  };
}
