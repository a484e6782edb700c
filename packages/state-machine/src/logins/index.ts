export * from "./token-parameters.js";
