export { openSeals } from "./seal-set.js";
export type { NodeSeals } from "./seal-set.js";
