import { BarrierError, readKeyring, RequestError } from "@coffer/state-machine";
import type { BarrierKeys, RawReads, ReplicatedLog } from "@coffer/state-machine";

/** How long a joined node waits for the first state to reach it. */
const FIRST_STATE_MS = 60_000;

/** The state comes from the leader; until the keyring is in it there is nothing to unlock. Rejects with RequestError. */
export async function firstKeyring(log: ReplicatedLog, raw: RawReads, rootKey: Uint8Array): Promise<BarrierKeys> {
  let stopLooking = (): void => undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new RequestError("internal", `the cluster's state did not arrive within ${FIRST_STATE_MS / 1000} s; this node has joined: unseal it again later`)), FIRST_STATE_MS);
      const look = () => {
        try {
          const found = readKeyring(raw, rootKey);
          if (found) resolve(found);
        } catch (error) {
          reject(error instanceof BarrierError ? new RequestError("internal", "the state that arrived is not sealed with the cluster's keys") : error);
        }
      };
      stopLooking = log.onApplied(look);
      look();
    });
  } finally {
    clearTimeout(timer);
    stopLooking();
  }
}
