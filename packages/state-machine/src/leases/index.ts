export * from "./origin.js";
export * from "./expiration.js";
export * from "./lease.js";
