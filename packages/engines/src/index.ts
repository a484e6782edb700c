export { engineFor, engines, mountableTypes } from "./registry.js";
