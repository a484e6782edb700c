export { engineFor, engines, mountableTypes, releaseMounts } from "./registry.js";
export type { IdentityServices } from "./identity/oidc-role.js";
