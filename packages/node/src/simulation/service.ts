import type { StateMachine } from "@coffer/raft";
import type { Process, Random, Service, SimulatedState } from "@coffer/raft/simulation";
import type { StateDatabase } from "@coffer/state-machine";
import { createModel, createSimulatedStore, createWorkload } from "@coffer/state-machine/simulation";
import { toStateMachine } from "../consensus/state-machine.js";

/** So that a small state is many chunks. */
const CHUNK_BYTES = 60;
/** Moments after which the folder that an install left is dropped, at most: its readers are gone by then. */
const RETIRED_WITHIN = 60;

export type OpenState = Parameters<typeof createSimulatedStore>[1];

/** What the node replicates: the shipped state database, joined to consensus as the node joins it. `openState`: where it is not the shipped one. */
export function createStoreService(openState?: OpenState): Service {
  const workload = createWorkload();
  return { entry: workload, model: createModel, state: (random) => createStoreState(random, openState) };
}

function createStoreState(random: Random, openState: OpenState): SimulatedState {
  const store = createSimulatedStore(random, openState);
  return {
    ...store,
    async open(process) {
      const state = await store.open(() => process.work(0, 2));
      return inPieces(toStateMachine(state, ({ location }) => void (location !== undefined && dropLater(state, process, random))), process);
    },
  };
}

function dropLater(state: StateDatabase, process: Process, random: Random): void {
  process.later(random.int(1, RETIRED_WITHIN), () => void state.dropRetired());
}

function inPieces(machine: StateMachine, process: Process): StateMachine {
  return {
    ...machine,
    async openSnapshot() {
      const { chunks, ...snapshot } = await machine.openSnapshot();
      async function* pieces() {
        for await (const chunk of chunks) {
          for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
            await process.work(0, 1);
            yield chunk.subarray(at, at + CHUNK_BYTES);
          }
        }
      }
      return { ...snapshot, chunks: pieces() };
    },
  };
}
