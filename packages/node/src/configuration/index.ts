export { ConfigurationError, loadConfiguration } from "./load.js";
export type * from "./types.js";
