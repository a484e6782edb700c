export { createBarrier } from "./barrier.js";
export type { Barrier, BarrierKeys } from "./barrier.js";
export { deriveKey } from "./derive.js";
export type { DerivedPurpose } from "./derive.js";
export * from "./initialize.js";
export * from "./keyring.js";
export { BarrierError, openValue, sealValue } from "./sealed-value.js";
export * from "./shamir-seal.js";
