import { RequestError } from "../errors.js";
import { field } from "../framework/index.js";
import type { OperationName } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";

/** Paths of Vault that this service has no use for, or does not have. They say so, instead of a plain 404. */
const PATH = field.string({ description: "Path of the namespace.", required: true });
const SUBSYSTEM = field.string({ description: "What to load again.", required: true });

const NO_NAMESPACES = "namespaces are not supported by this version";
const NO_CONTROL_GROUPS = "control groups are not supported by this version";

interface RefusedPath {
  readonly template: string;
  readonly fields: Readonly<Record<string, typeof PATH>>;
  readonly operations: readonly Exclude<OperationName, "scan">[];
  readonly why: string;
  readonly code?: "invalid_request" | "not_found";
  readonly access?: "token" | "sudo";
}

/** `why` is what the caller is told, with 400 unless `code` says otherwise. The summary of each operation begins with `Refused`: coverage counts it apart. */
function refusedPath({ template, fields, operations, why, code = "invalid_request", access = "sudo" }: RefusedPath): SystemPath {
  const handler = () => {
    throw new RequestError(code, why);
  };
  const refuse = { summary: `Refused: ${why}.`, effect: "read" as const, access, thisNode: true, handler };
  return systemPath({
    template: template as "namespaces/{path}",
    help: { synopsis: `Refused: ${why}.`, description: "The path is there to say so." },
    fields: fields as { readonly path: typeof PATH },
    freeForm: true,
    operations: Object.fromEntries(operations.map((name) => [name, refuse])),
  });
}

export const refusedPaths: readonly SystemPath[] = [
  refusedPath({ template: "namespaces", fields: {}, operations: ["list"], why: NO_NAMESPACES, access: "token" }),
  refusedPath({ template: "namespaces/{path...}", fields: { path: PATH }, operations: ["read", "update", "patch", "delete"], why: NO_NAMESPACES, access: "token" }),
  ...["namespaces/api-lock/lock", "namespaces/api-lock/unlock"].flatMap((template) => [
    refusedPath({ template, fields: {}, operations: ["update"], why: NO_NAMESPACES, access: "token" }),
    refusedPath({ template: `${template}/{path...}`, fields: { path: PATH }, operations: ["update"], why: NO_NAMESPACES, access: "token" }),
  ]),
  refusedPath({ template: "control-group/authorize", fields: {}, operations: ["update"], why: NO_CONTROL_GROUPS, access: "token" }),
  refusedPath({ template: "control-group/request", fields: {}, operations: ["update"], why: NO_CONTROL_GROUPS, access: "token" }),
  refusedPath({ template: "config/reload/{subsystem}", fields: { subsystem: SUBSYSTEM }, operations: ["update"], code: "not_found", why: "there is nothing of this name to load again: a node loads its certificates, log level and the like again when its process is sent SIGHUP", access: "token" }),
];
