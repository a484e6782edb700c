import type { Engine } from "@coffer/state-machine";
import { codePath } from "./path-code.js";
import { keyPath, keysPath } from "./path-keys.js";

/** Time-based one-time passwords (RFC 6238), from both sides. */
export const totp: Engine = {
  type: "totp",
  table: "secret",
  help: "Gives one-time codes for keys of other services, and validates the codes of keys that it generated.",
  paths: [keysPath, keyPath, codePath],
};
