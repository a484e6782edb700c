import type { Client } from "@coffer/client";
import type { Context } from "../framework/context.js";
import type { Secret } from "../framework/secret.js";

/** How to log in by one kind of auth method. `config` is the K=V that the user gave, with `mount` filled in. */
export type LoginMethod = {
  /** What `coffer auth help` prints. */
  readonly help: string;
  login(context: Context, client: Client, config: Readonly<Record<string, string>>): Promise<Secret>;
};
