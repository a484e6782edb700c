export * from "./entry.js";
export * from "./expiry.js";
export * from "./lifecycle.js";
