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
    reached: () => state.reached(),
    async apply(group) {
      const { index: whole } = state.reached();
      const outcomes = await state.apply(group);
      // Applied again as it starts: nobody reads it yet.
      if (state.appliedIndex() <= whole) return outcomes.map(({ result }) => result);
      const isReset = outcomes.some(({ reset }) => reset);
      tell({ index: state.appliedIndex(), keys: outcomes.flatMap(({ keys }) => keys), ...(isReset && { location: state.location() }) });
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
