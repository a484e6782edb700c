export * from "./errors.js";
export * from "./framework/index.js";
export * from "./request/api.js";
export * from "./store/replicated-log.js";
export * from "./store/index.js";
export * from "./barrier/index.js";
