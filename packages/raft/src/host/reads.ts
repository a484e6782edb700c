import type { RaftCore } from "../core/api.js";
import type { LogIndex } from "../core/types.js";

export type ReadOutcome = { readonly outcome: "ready"; readonly index: LogIndex } | { readonly outcome: "no-leader" };

/** How long a read waits, through elections and for entries to arrive, before it is told that nobody leads. */
const PATIENCE_MS = 5000;

interface Caller {
  readonly deadline: number;
  readonly resolve: (outcome: ReadOutcome) => void;
}

/** Read barriers of this node: all callers that wait when a question goes out share its answer. */
export interface Reads {
  request(resolve: (outcome: ReadOutcome) => void): void;
  /** Puts the waiting callers' question to the core, unless one is out. */
  ask(core: Pick<RaftCore, "readIndex">): void;
  answered(id: number, index: LogIndex | undefined): void;
  applied(index: LogIndex): void;
  /** A leader is known: whoever was told that there is none may ask again. */
  retry(): void;
  /** Gives up on those who waited too long; called with the ticks. */
  expire(): void;
  abandon(): void;
}

export function createReads(now: () => number, appliedIndex: () => LogIndex, onWaiting: () => void): Reads {
  let waiting: Caller[] = [];
  let asked: { readonly id: number; callers: Caller[] } | undefined;
  let confirmed: { readonly index: LogIndex; callers: Caller[] }[] = [];
  let nextId = 1;
  /** Set after a fruitless question: the next is put when a leader is known or with the tick, not in a loop. */
  let holdOff = false;

  const ready = (callers: readonly Caller[], index: LogIndex) => {
    for (const caller of callers) caller.resolve({ outcome: "ready", index });
  };

  function retry(): void {
    holdOff = false;
    if (waiting.length > 0) onWaiting();
  }

  /** Callers come in order of their deadlines. */
  function patient(callers: Caller[], time: number): Caller[] {
    if (callers.length === 0 || callers[0]!.deadline > time) return callers;
    for (const caller of callers) if (caller.deadline <= time) caller.resolve({ outcome: "no-leader" });
    return callers.filter((caller) => caller.deadline > time);
  }

  return {
    request(resolve) {
      waiting.push({ deadline: now() + PATIENCE_MS, resolve });
      onWaiting();
    },
    ask(core) {
      if (asked || holdOff || waiting.length === 0) return;
      asked = { id: nextId++, callers: waiting };
      waiting = [];
      core.readIndex(asked.id);
    },
    answered(id, index) {
      if (asked?.id !== id) return;
      const { callers } = asked;
      asked = undefined;
      if (index === undefined) {
        waiting = [...callers, ...waiting];
        holdOff = true;
      } else if (appliedIndex() >= index) ready(callers, index);
      else confirmed.push({ index, callers });
    },
    applied(index) {
      if (confirmed.length === 0) return;
      for (const group of confirmed) if (group.index <= index) ready(group.callers, group.index);
      confirmed = confirmed.filter((group) => group.index > index);
    },
    retry,
    expire() {
      const time = now();
      waiting = patient(waiting, time);
      if (asked) asked.callers = patient(asked.callers, time);
      for (const group of confirmed) group.callers = patient(group.callers, time);
      confirmed = confirmed.filter((group) => group.callers.length > 0);
      retry();
    },
    abandon() {
      const all = [...waiting, ...(asked?.callers ?? []), ...confirmed.flatMap((group) => group.callers)];
      waiting = [];
      asked = undefined;
      confirmed = [];
      for (const caller of all) caller.resolve({ outcome: "no-leader" });
    },
  };
}
