import type { MountEntry } from "../framework/engine.js";

/** System, token and identity engines are the core's own: their storage is `core/`. */
export const isOfCore = ({ type }: Pick<MountEntry, "type">): boolean => type === "system" || type === "token" || type === "identity";

/** What the storage keys of a mount begin with. */
export const storagePrefix = (entry: Pick<MountEntry, "type" | "uuid">): string => (isOfCore(entry) ? "core/" : `logical/${entry.uuid}/`);
