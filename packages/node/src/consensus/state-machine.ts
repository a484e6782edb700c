import type { StateMachine } from "@coffer/raft";
import type { StateDatabase } from "@coffer/state-machine";

/** What the state became; `location` where all of it was replaced, and its readers have to look there. */
export interface StateChange {
  readonly index: number;
  readonly keys: readonly string[];
  readonly location?: string;
}

/** The state database as consensus sees it; what it applies is told before anybody gets an answer. */
export function toStateMachine(state: StateDatabase, tell: (change: StateChange) => void): StateMachine {
  return {
    appliedIndex: () => state.appliedIndex(),
    appliedTerm: () => state.appliedTerm(),
    async apply(group) {
      const outcomes = await state.apply(group);
      const isReset = outcomes.some(({ reset }) => reset);
      tell({ index: group[group.length - 1]!.index, keys: outcomes.flatMap(({ keys }) => keys), ...(isReset && { location: state.location() }) });
      return outcomes.map(({ result }) => result);
    },
    flush: () => state.flush(),
    openSnapshot: () => state.openSnapshot(),
    async installSnapshot(meta, chunks) {
      const { location } = await state.installSnapshot(meta, chunks);
      tell({ index: meta.index, keys: [], location });
    },
  };
}
