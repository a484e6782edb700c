import type { InputOf } from "@coffer/state-machine";
import { ROLE_SETTINGS } from "./role.js";

/** A role that nobody wrote: every setting at its default. */
export const ROLE_DEFAULTS = Object.freeze(Object.fromEntries(Object.entries(ROLE_SETTINGS).map(([name, declared]) => [name, declared.default]))) as unknown as InputOf<typeof ROLE_SETTINGS>;
