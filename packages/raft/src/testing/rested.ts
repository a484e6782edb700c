import type { RaftCore } from "../core/api.js";

/** As after a while in which nothing happened: it votes again, and its election timer begins now. */
export function rested(core: RaftCore, electionTicks: number): RaftCore {
  core.setCanLead(false);
  for (let tick = 0; tick < electionTicks; tick++) core.tick();
  core.setCanLead(true);
  return core;
}
