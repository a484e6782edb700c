export * from "./moto.js";
export * from "./program.js";
