import type { Engine } from "@coffer/state-machine";
import { configPath } from "./path-config.js";
import { loginPath, renew } from "./path-login.js";
import { mapPaths } from "./path-maps.js";

/** Logins of the members of a GitHub organization. */
export const github: Engine = {
  type: "github",
  table: "auth",
  help: "Lets in members of a GitHub organization, by their teams.",
  paths: [configPath, ...mapPaths, loginPath],
  renewLogin: renew,
};
