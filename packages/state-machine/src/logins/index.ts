export * from "./display-name.js";
export * from "./lockout.js";
export * from "./token-parameters.js";
