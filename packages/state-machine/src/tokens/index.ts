export { createBatchToken } from "./batch.js";
export type { NewBatchToken } from "./batch.js";
export * from "./cidr.js";
export * from "./entry.js";
export * from "./expiry.js";
export * from "./lifecycle.js";
export * from "./renewal.js";
export * from "./revocation.js";
export * from "./ttl.js";
