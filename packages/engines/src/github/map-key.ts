import { declare } from "@coffer/state-machine";
import type { FieldKind } from "@coffer/state-machine";

const kind: FieldKind<string> = {
  name: "name",
  parse: (value) => (typeof value === "string" && /^[-\w]+$/.test(value) ? { ok: true, value } : { ok: false, message: "expected letters, digits, - and _" }),
  openapi: { type: "string" },
};

/** What GitHub makes logins and slugs of. */
export const mapKey = declare(kind);
