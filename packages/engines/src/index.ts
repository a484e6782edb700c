export { engineFor, engines, mountableTypes } from "./registry.js";
export type { IdentityServices } from "./identity/oidc-role.js";
