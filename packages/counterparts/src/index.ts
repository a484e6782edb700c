export * from "./moto.js";
export * from "./program.js";
export * from "./slapd.js";
