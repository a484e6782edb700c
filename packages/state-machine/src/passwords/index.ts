export * from "./generate.js";
export * from "./policy.js";
export * from "./store.js";
