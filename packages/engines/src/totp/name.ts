import { declare } from "@coffer/state-machine";
import type { FieldKind } from "@coffer/state-machine";

const NAME = /^\w(([\w.@-]+)?\w)?$/;

const kind: FieldKind<string> = {
  name: "name",
  parse: (value) => (typeof value === "string" && NAME.test(value) ? { ok: true, value } : { ok: false, message: "invalid name" }),
  openapi: { type: "string" },
};

/** A name as `field.name`, in which `@` may stand too: keys are often called like the account they are for. */
export const nameWithAt = declare(kind);
