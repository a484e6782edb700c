import type { Entry } from "../core/types.js";
import type { ApplyResult, StateMachine } from "./api.js";
import type { Measures } from "./measures.js";
import type { Turns } from "./turns.js";

export interface ApplyingPort {
  readonly machine: StateMachine;
  readonly machineTurns: Turns;
  readonly measures: Measures;
  readonly now: () => number;
  readonly isStopped: () => boolean;
  readonly onApplied: (group: readonly Entry[], results: readonly ApplyResult[]) => void;
  readonly fail: (error: unknown) => void;
}

/** Applies one group of committed entries. The core hands out the next only when this one is applied. */
export async function applyGroup(port: ApplyingPort, group: readonly Entry[]): Promise<void> {
  try {
    const begin = port.now();
    const results = await port.machineTurns.run(() => port.machine.apply(group));
    port.measures.applyMsSum += port.now() - begin;
    port.measures.applyCount += group.length;
    port.measures.applyGroups += 1;
    port.measures.lastApplyEntries = group.length;
    if (!port.isStopped()) port.onApplied(group, results);
  } catch (error) {
    port.fail(error);
  }
}
