import type { CoreState } from "./state.js";
import type { LogIndex } from "./types.js";

/**
 * A server with an empty disk may carry a name that was known before: its machine was replaced. Somewhere an old server, removed
 * long ago, may still believe in a configuration with that name in it, and only lack one vote to lead on with an old log. So one
 * that begins empty votes for nobody whose log is shorter than what a leader has told it to be committed, until its own log has
 * come that far; before any leader spoke to it, it votes for nobody. Every candidate that may win has all that is committed, and
 * is not refused for it; and a server gets its vote only after it has answered a leader (membership.ts).
 */
const UNKNOWN = Infinity;

export function beginJoining(state: CoreState): void {
  if (state.history.current().servers.length === 0) state.reach ??= UNKNOWN;
}

export function heardOfCommit(state: CoreState, commit: LogIndex): void {
  if (state.reach === undefined) return;
  state.reach = state.reach === UNKNOWN ? commit : Math.max(state.reach, commit);
}

/** To be asked after the leader's entries are appended. */
export function endJoining(state: CoreState): void {
  if (state.reach !== undefined && state.log.lastIndex() >= state.reach) state.reach = undefined;
}

/** Whether this server may vote for one whose log ends at `lastIndex`, as far as this rule goes. */
export function mayHelp({ reach }: CoreState, lastIndex: LogIndex): boolean {
  return reach === undefined || lastIndex >= reach;
}

/** What has to survive a restart: an empty server is known by its emptiness. */
export function reachToSave({ reach }: CoreState): LogIndex | undefined {
  return reach === UNKNOWN ? undefined : reach;
}
