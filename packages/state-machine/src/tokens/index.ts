export * from "./entry.js";
export * from "./expiry.js";
export * from "./lifecycle.js";
export * from "./renewal.js";
export * from "./revocation.js";
export * from "./ttl.js";
