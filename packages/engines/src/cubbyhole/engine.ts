import type { Engine } from "@coffer/state-machine";
import { cubbyholePath } from "./path-cubbyhole.js";

export const cubbyhole: Engine = {
  type: "cubbyhole",
  table: "secret",
  help: "Each token has a cubbyhole of its own: what it writes there nobody else can read, and it goes with the token.",
  paths: [cubbyholePath],
};
