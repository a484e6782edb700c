export * from "./cidr.js";
export * from "./entry.js";
export * from "./expiry.js";
export * from "./lifecycle.js";
export * from "./revocation.js";
export * from "./ttl.js";
