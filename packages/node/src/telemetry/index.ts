export { hostInfo } from "./host-info.js";
export { createTelemetry } from "./telemetry.js";
export type { AutopilotThresholds } from "./autopilot-health.js";
export type { TokenCreation } from "./token-creations.js";
export type * from "./types.js";
