export { ConfigurationError } from "./environment.js";
export type { Environment } from "./environment.js";
export { loadConfiguration, parseConfiguration } from "./load.js";
export type * from "./types.js";
