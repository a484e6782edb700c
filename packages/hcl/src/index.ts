export * from "./ast.js";
export * from "./duration.js";
export { formatHcl } from "./format.js";
export { parseHcl } from "./parser.js";
export { closest, readBody } from "./read.js";
export type { BlockReader, BodyReader } from "./read.js";
