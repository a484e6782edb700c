import { identityOf, membersOf, mountNames } from "@coffer/state-machine";
import type { Entity, EntityAlias, Group, GroupAlias, MountName, ReadStorage } from "@coffer/state-machine";

/** Entities, groups and aliases as they go over the wire. */
type Body = Readonly<Record<string, unknown>>;
type Mounts = ReadonlyMap<string, MountName>;

/** Vault tells an unset list by null. */
const orNull = (list: readonly string[]) => (list.length === 0 ? null : list);

export function entityBody(storage: ReadStorage, entity: Entity): Body {
  const mounts = mountNames(storage);
  const groups = identityOf(storage, entity.id)?.groups ?? [];
  const isDirect = ({ id }: Group) => entity.directGroupIds.includes(id);
  return {
    aliases: entity.aliases.map((alias) => aliasBody(alias, entity.id, mounts)),
    creation_time: entity.creationTime,
    direct_group_ids: groups.filter(isDirect).map(({ id }) => id),
    disabled: entity.disabled,
    group_ids: groups.map(({ id }) => id),
    id: entity.id,
    inherited_group_ids: groups.filter((group) => !isDirect(group)).map(({ id }) => id),
    last_update_time: entity.lastUpdateTime,
    merged_entity_ids: orNull(entity.mergedEntityIds),
    metadata: entity.metadata,
    name: entity.name,
    namespace_id: "root",
    policies: entity.policies,
  };
}

export function aliasBody(alias: EntityAlias, canonicalId: string, mounts: Mounts): Body {
  return {
    canonical_id: canonicalId,
    creation_time: alias.creationTime,
    custom_metadata: alias.customMetadata,
    id: alias.id,
    last_update_time: alias.lastUpdateTime,
    local: alias.local,
    merged_from_canonical_ids: orNull(alias.mergedFromCanonicalIds),
    metadata: alias.metadata,
    mount_accessor: alias.mountAccessor,
    ...mountOf(alias.mountAccessor, mounts),
    name: alias.name,
  };
}

/** What a list of entities tells of each. */
export function entityInfo({ name, aliases }: Entity, mounts: Mounts): Body {
  const shown = aliases.map((alias) => ({ id: alias.id, mount_accessor: alias.mountAccessor, ...mountOf(alias.mountAccessor, mounts), name: alias.name }));
  return shown.length > 0 ? { aliases: shown, name } : { name };
}

export async function groupBody(storage: ReadStorage, group: Group): Promise<Body> {
  return {
    alias: group.alias ? groupAliasBody(group.alias, group.id, mountNames(storage)) : {},
    creation_time: group.creationTime,
    id: group.id,
    last_update_time: group.lastUpdateTime,
    member_entity_ids: orNull(await membersOf(storage, group.id)),
    member_group_ids: orNull(group.memberGroupIds),
    metadata: group.metadata,
    modify_index: group.modifyIndex,
    name: group.name,
    namespace_id: "root",
    parent_group_ids: orNull(group.parentGroupIds),
    policies: group.policies,
    type: group.type,
  };
}

export function groupAliasBody(alias: GroupAlias, canonicalId: string, mounts: Mounts): Body {
  return {
    canonical_id: canonicalId,
    creation_time: alias.creationTime,
    id: alias.id,
    last_update_time: alias.lastUpdateTime,
    merged_from_canonical_ids: null,
    metadata: null,
    mount_accessor: alias.mountAccessor,
    ...mountOf(alias.mountAccessor, mounts),
    name: alias.name,
  };
}

export function aliasInfo(alias: { readonly name: string; readonly mountAccessor: string; readonly customMetadata?: unknown; readonly metadata?: unknown; readonly local?: boolean }, canonicalId: string, mounts: Mounts): Body {
  return {
    canonical_id: canonicalId,
    custom_metadata: alias.customMetadata ?? null,
    local: alias.local ?? false,
    metadata: alias.metadata ?? null,
    mount_accessor: alias.mountAccessor,
    ...mountOf(alias.mountAccessor, mounts),
    name: alias.name,
  };
}

/** Empty for a mount that is gone. */
function mountOf(accessor: string, mounts: Mounts): { readonly mount_path: string; readonly mount_type: string } {
  const mount = mounts.get(accessor);
  return { mount_path: mount?.path ?? "", mount_type: mount?.type ?? "" };
}
