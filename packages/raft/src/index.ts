export type * from "./core/types.js";
export type * from "./host/api.js";
export { createCore } from "./core/core.js";
