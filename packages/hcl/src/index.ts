export * from "./ast.js";
export { closest } from "./closest.js";
export * from "./duration.js";
export { formatHcl } from "./format.js";
export { parseHcl } from "./parser.js";
export { readBody } from "./read.js";
export type { BlockReader, BodyReader } from "./read.js";
