import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { WriteStorage } from "../framework/storage.js";
import { requireMount } from "./aliases.js";
import { timestamp } from "./entities.js";
import { createGroup, putGroup } from "./groups.js";
import { getGroup, groupAliasFactorKey, groupAliasKey, groupByAlias, groupByAliasId, ownerCodec } from "./records.js";
import type { Group, GroupAlias } from "./records.js";

export interface GroupAliasChange {
  /** Empty: a new alias, or the one that these two names have. */
  readonly id: string;
  readonly name: string;
  readonly mountAccessor: string;
  /** The group; empty: the one it has, or a new external one. */
  readonly canonicalId: string;
}

/** The name that an auth mount has for an external group. `storage` is scoped to `core/`. Throws RequestError 400. */
export async function putGroupAlias(storage: WriteStorage, change: GroupAliasChange, env: Environment): Promise<Group> {
  const before = change.id === "" ? undefined : groupByAliasId(storage, change.id);
  if (change.id !== "" && !before) throw invalid("invalid group alias ID");
  const name = change.name || (before?.alias?.name ?? "");
  const mountAccessor = change.mountAccessor || (before?.alias?.mountAccessor ?? "");
  if (name === "") throw invalid("missing alias name");
  if (mountAccessor === "") throw invalid("missing mount_accessor");
  const mount = requireMount(storage, mountAccessor);
  if (mount.local) throw invalid(`mount accessor ${JSON.stringify(mountAccessor)} is a local mount`);
  const holder = groupByAlias(storage, mountAccessor, name);
  if (holder && holder.id !== before?.id) throw invalid("combination of mount and group alias name is already in use");

  const group = change.canonicalId === "" ? (before ?? (await createGroup(storage, { type: "external" }, env))) : getGroup(storage, change.canonicalId);
  if (!group) throw invalid("invalid group ID given in 'canonical_id'");
  if (group.type !== "external") throw invalid("alias can't be set on an internal group");
  const now = timestamp(env);
  const alias: GroupAlias = { id: before?.alias?.id ?? env.uuid(), name, mountAccessor, creationTime: before?.alias?.creationTime ?? now, lastUpdateTime: now };
  if (before) dropGroupAlias(storage, before, env);
  // A group has one alias: what it had before goes.
  if (group.id !== before?.id && group.alias) dropGroupAlias(storage, group, env);
  storage.put(groupAliasKey(alias.id), ownerCodec, { owner: group.id });
  storage.put(groupAliasFactorKey(mountAccessor, name), ownerCodec, { owner: group.id });
  const updated: Group = { ...group, alias, lastUpdateTime: now };
  putGroup(storage, updated);
  return updated;
}

/** The group stays, without it. */
export function dropGroupAlias(storage: WriteStorage, group: Group, env: Environment): void {
  if (!group.alias) return;
  storage.delete(groupAliasKey(group.alias.id));
  storage.delete(groupAliasFactorKey(group.alias.mountAccessor, group.alias.name));
  putGroup(storage, { ...group, alias: null, lastUpdateTime: timestamp(env) });
}
