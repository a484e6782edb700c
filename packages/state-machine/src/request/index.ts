export * from "./api.js";
export type { Core, CoreOptions, Description, SystemLimits, TokenMade } from "./core.js";
export { errorResponse } from "./envelope.js";
export { callerOf, identify } from "./authorize.js";
export { wireAuth } from "./finish.js";
export { createCore } from "./pipeline.js";
export { findWrapped, wrapResponse } from "./wrapping.js";
export type { WrappedResponse } from "./wrapping.js";
