export type { Chance } from "./chance.js";
export { createSimulatedStore } from "./simulated-state.js";
export type { SimulatedStore } from "./simulated-state.js";
export { createModel, createWorkload } from "./workload.js";
