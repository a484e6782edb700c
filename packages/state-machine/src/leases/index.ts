export { tokenRemoved } from "./expire.js";
export * from "./expiration.js";
export * from "./lease.js";
export * from "./origin.js";
export { revokeNow } from "./revoke-now.js";
export type { RevokeNow } from "./revoke-now.js";
export { failedRevocation, leasesBelow, revokeBelow, revokeLease } from "./revoke.js";
export { startTidy } from "./tidy.js";
