import { invalid } from "../errors.js";
import type { MountEntry } from "../framework/engine.js";
import type { ReadStorage } from "../framework/storage.js";
import { fullPath, route } from "../mounts/index.js";
import { isSameScope } from "./quota.js";
import type { QuotaTable, Scope } from "./quota.js";

const MAX_PATH = 1024;
const MAX_ROLE = 512;

/** What a caller's `path` and `role` mean. Throws RequestError 400. `hasRoles`: whether the logins of this mount can tell a role. */
export function scopeOf(storage: ReadStorage, asked: { readonly path: string; readonly role: string }, hasRoles: (entry: MountEntry) => boolean): Scope {
  const path = asked.path.replace(/^\/+/, "");
  const { role } = asked;
  if (path.length > MAX_PATH) throw invalid(`'path' must not be longer than ${MAX_PATH} characters`);
  if (role.length > MAX_ROLE) throw invalid(`'role' must not be longer than ${MAX_ROLE} characters`);
  if (path === "") {
    if (role !== "") throw invalid("a quota with a role needs the path of an auth method");
    return { mountPath: "", suffix: "", role: "" };
  }
  if (path.split("/").some((part) => part === ".." || part === ".") || /[\u0000-\u001f\u007f]/.test(path)) throw invalid(`invalid path ${JSON.stringify(path)}`);
  if (path.slice(0, -1).includes("*")) throw invalid("'path' may hold one '*', at its end");
  const found = route(storage, path.endsWith("/") ? path : `${path}/`);
  if (!found) throw invalid(`invalid mount path ${JSON.stringify(path.endsWith("/") ? path : `${path}/`)}`);
  const mountPath = fullPath(found.entry);
  const suffix = path.slice(mountPath.length).replace(/\/$/, "");
  if (role !== "") requireRoles(found.entry, suffix, hasRoles);
  return { mountPath, suffix, role };
}

function requireRoles(entry: MountEntry, suffix: string, hasRoles: (entry: MountEntry) => boolean): void {
  if (suffix !== "") throw invalid("a quota has either a path below its mount or a role");
  if (entry.table !== "auth") throw invalid(`mount path ${JSON.stringify(fullPath(entry))} is not an auth method: a quota with a role needs one`);
  if (!hasRoles(entry)) throw invalid(`mount path ${JSON.stringify(fullPath(entry))} does not support role-based quotas`);
}

/** Throws RequestError 400 where another quota has this scope: only one can decide. */
export function refuseTwin(table: QuotaTable<Scope>, name: string, scope: Scope): void {
  const twin = Object.entries(table).find(([other, quota]) => other !== name && isSameScope(quota, scope));
  if (twin) throw invalid(`quota rule with similar properties exists under the name ${JSON.stringify(twin[0])}`);
}
