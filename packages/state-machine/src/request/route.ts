import { RequestError } from "../errors.js";
import type { CompiledEngine, MountEntry, OperationName } from "../framework/index.js";
import type { ReadStorage } from "../framework/storage.js";
import { notMounted, route } from "../mounts/index.js";
import type { Target } from "./core.js";

export const SYS_MOUNT = "sys/";

/** Stands for sys/ before the mount table can be read. */
export const SYSTEM_ENTRY: MountEntry = Object.freeze({
  uuid: "system",
  table: "secret",
  path: SYS_MOUNT,
  type: "system",
  description: "",
  accessor: "",
  local: false,
  seal_wrap: false,
  external_entropy_access: false,
  options: null,
  config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
});

/** An operation of sys/ that answers on a sealed node too. */
export function sealedTarget(system: CompiledEngine, path: string, operation: OperationName): Target | undefined {
  if (!path.startsWith(SYS_MOUNT)) return undefined;
  const below = path.slice(SYS_MOUNT.length);
  const match = system.match(below, operation === "list" || operation === "scan");
  const found = match?.declaration.operations[operation];
  return match && found?.whileSealed ? { entry: SYSTEM_ENTRY, mountPath: SYS_MOUNT, path: below, match, operation: found, compiled: system } : undefined;
}

const UNSUPPORTED_OPERATION = "1 error occurred:\n\t* unsupported operation\n\n";
const UNSUPPORTED_PATH = "1 error occurred:\n\t* unsupported path\n\n";

/** Throws RequestError 404 for a path nobody serves, 405 for an operation its path does not know. `storage` is scoped to `core/`. */
export function target(storage: ReadStorage, engineFor: (entry: MountEntry) => CompiledEngine | undefined, path: string, operation: OperationName): Target {
  const found = route(storage, path);
  const compiled = found && engineFor(found.entry);
  if (!found || !compiled) throw notMounted(path);
  const below = path.slice(found.mountPath.length);
  const match = compiled.match(below, operation === "list" || operation === "scan");
  if (!match) throw compiled.match(below, true) ? new RequestError("unsupported_operation", UNSUPPORTED_OPERATION) : new RequestError("not_found", UNSUPPORTED_PATH);
  const declared = match.declaration.operations[operation];
  if (!declared) throw new RequestError("unsupported_operation", UNSUPPORTED_OPERATION);
  return { entry: found.entry, mountPath: found.mountPath, path: below, match, operation: declared, compiled };
}
