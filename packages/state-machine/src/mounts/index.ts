export { route } from "./router.js";
export type { Route } from "./router.js";
export * from "./table.js";
