export * from "./engine.js";
export * from "./fields.js";
export * from "./path.js";
export * from "./response.js";
export * from "./storage.js";
