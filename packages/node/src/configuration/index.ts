export { ConfigurationError } from "./environment.js";
export type { Environment } from "./environment.js";
export { loadConfiguration } from "./load.js";
export type * from "./types.js";
