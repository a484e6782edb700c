export { allEngines, databasePlugins, engineFor, mountableTypes, releaseMounts } from "./registry.js";
export { createAskFactor } from "./second-factors/ask.js";
export type { IdentityServices } from "./identity/oidc-role.js";
