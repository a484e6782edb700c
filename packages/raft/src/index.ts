export type * from "./core/types.js";
export type * from "./host/api.js";
