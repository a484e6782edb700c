export { policyStore } from "./policy-room.js";
export { autopilotConfiguration, autopilotState } from "./path-autopilot.js";
export type { AutopilotConfiguration } from "./path-autopilot.js";
export { auditedHeaders, corsConfig, uiHeaders } from "./path-config.js";
export type { CorsConfig } from "./path-config.js";
export { sealStatusBody } from "./path-seal.js";
export { systemEngine } from "./system-engine.js";
export type { SystemRooms } from "./rooms.js";
export type * from "./services.js";
