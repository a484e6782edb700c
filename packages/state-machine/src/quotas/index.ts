export { dropLeaseCount, hasLeaseCounts, leaseQuotaFor, leasesUnder, spreadLeases } from "./lease-count.js";
export { quotaIndex } from "./match.js";
export type { QuotaIndex } from "./match.js";
export * from "./quota.js";
export { createRateLimiter } from "./rate-limiter.js";
export type { RateLimiter, RateVerdict } from "./rate-limiter.js";
export { countThoseBefore } from "./take-over.js";
export { refuseTwin, scopeOf } from "./scope.js";
export { followMount } from "./follow-mount.js";
