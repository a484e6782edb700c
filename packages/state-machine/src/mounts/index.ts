export { below, mountOfPlace, pathOfPlace, placeOf, placesAt } from "./places.js";
export type { Place } from "./places.js";
export { route } from "./router.js";
export type { Route } from "./router.js";
export { isOfCore, storagePrefix } from "./storage-prefix.js";
export * from "./table.js";
