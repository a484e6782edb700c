import { declare } from "@coffer/state-machine";

/** Names of roles: as elsewhere, and inside of them `@` too. */
export const roleName = declare<string>({
  name: "name",
  parse: (value) => (typeof value === "string" && /^\w(([\w.@-]+)?\w)?$/.test(value) ? { ok: true, value } : { ok: false, message: "invalid name" }),
  openapi: { type: "string" },
});
