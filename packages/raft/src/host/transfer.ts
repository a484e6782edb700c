import type { RaftCore } from "../core/api.js";
import type { NodeId } from "../core/types.js";
import { pause } from "./surroundings.js";
import type { Surroundings } from "./surroundings.js";

const TRANSFER_TIMEOUT_MS = 3000;
const POLL_MS = 5;
/** How long a member whose disk failed tries; then the others miss it. */
const HAND_ON_MS = 1500;

export interface TransferPort extends Pick<Surroundings, "now" | "after"> {
  readonly core: RaftCore;
  readonly isStopped: () => boolean;
  /** Runs `action` on the core, and does what that then wants done. */
  readonly guard: (action: () => void) => void;
}

/** Resolves when another server leads, or false. */
export async function transferLeadership(port: TransferPort, self: NodeId, to: NodeId | undefined): Promise<boolean> {
  const { core, now, guard } = port;
  let accepted = false;
  guard(() => void (accepted = core.transferLeadership(to)));
  const deadline = now() + TRANSFER_TIMEOUT_MS;
  while (accepted && now() < deadline) {
    const { role, leader, transferTo } = core.status();
    if (role !== "leader" && leader !== undefined && leader !== self) return true;
    if (role === "leader" && transferTo === undefined) return false;
    await pause(port, POLL_MS);
  }
  return false;
}

/** Without a disk a member promises nothing any more; but what it leads, others can take over before they miss it. */
export async function handOn(port: TransferPort): Promise<void> {
  const { core, now, isStopped, guard } = port;
  guard(() => void core.transferLeadership(undefined));
  const deadline = now() + HAND_ON_MS;
  while (!isStopped() && core.status().transferTo !== undefined && now() < deadline) await pause(port, POLL_MS);
}
