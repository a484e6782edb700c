export * from "./expiration.js";
export * from "./lease.js";
