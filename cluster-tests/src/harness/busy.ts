import { availableParallelism, loadavg } from "node:os";

/** Processes that want to run, for each core, beyond which others keep the machine busy: three nodes and a test are fewer. */
const BUSY = 3;

/** Whether so much else is done on this machine that how long something takes says nothing about it. */
export const isBusyMachine = (): boolean => loadavg()[0]! > BUSY * availableParallelism();
