import { invalid } from "../errors.js";
import type { Environment, MountEntry } from "../framework/engine.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { fullPath, listMounts } from "../mounts/index.js";
import { createEntity, dropAlias, indexAlias, putEntity, timestamp } from "./entities.js";
import { checkMetadata } from "./metadata.js";
import { aliasById, entityByAlias, getEntity } from "./records.js";
import type { Entity, EntityAlias, FoundAlias } from "./records.js";

/** All of these take storage scoped to `core/`. */
export interface MountName {
  readonly path: string;
  readonly type: string;
}

/** What the mounts are that aliases name by accessor. */
export function mountNames(storage: ReadStorage): ReadonlyMap<string, MountName> {
  return new Map(listMounts(storage).map((entry) => [entry.accessor, { path: fullPath(entry), type: entry.type }]));
}

/** Throws RequestError 400 for an accessor that no mount has. */
export function requireMount(storage: ReadStorage, accessor: string): MountEntry {
  const entry = listMounts(storage).find((one) => one.accessor === accessor);
  if (!entry) throw invalid(`invalid mount accessor ${JSON.stringify(accessor)}`);
  return entry;
}

export interface AliasChange {
  readonly name: string;
  readonly mountAccessor: string;
  /** The entity; empty: as it is, or a new one. */
  readonly canonicalId: string;
  readonly customMetadata: Readonly<Record<string, string>> | undefined;
}

/** Creates an alias, or changes the one that these two names have already. Throws RequestError 400. */
export function putAlias(storage: WriteStorage, change: AliasChange, env: Environment): FoundAlias {
  if (change.name === "" || change.mountAccessor === "") throw invalid("'id' or 'mount_accessor' and 'name' must be provided");
  const mount = requireMount(storage, change.mountAccessor);
  const holder = entityByAlias(storage, change.mountAccessor, change.name);
  if (holder) return updateAlias(storage, { entity: holder, alias: aliasOf(holder, change.mountAccessor)! }, change, env);
  const entity = change.canonicalId === "" ? createEntity(storage, {}, env) : getEntity(storage, change.canonicalId);
  if (!entity) throw invalid("invalid canonical ID");
  if (aliasOf(entity, change.mountAccessor)) throw invalid("Alias already exists for requested entity and mount accessor");
  const alias = newAlias(mount, change.name, env);
  return placeAlias(storage, entity, { ...alias, customMetadata: checkedMetadata(change) ?? null });
}

/** Names that are empty stay. Throws RequestError 400. */
export function updateAlias(storage: WriteStorage, { entity, alias }: FoundAlias, change: AliasChange, env: Environment): FoundAlias {
  const mountAccessor = change.mountAccessor || alias.mountAccessor;
  const name = change.name || alias.name;
  if (mountAccessor !== alias.mountAccessor) {
    if (aliasOf(entity, mountAccessor)) throw invalid("Alias cannot be updated as the entity already has an alias for the given 'mount_accessor' ");
    requireMount(storage, mountAccessor);
  }
  const holder = entityByAlias(storage, mountAccessor, name);
  if (holder && aliasOf(holder, mountAccessor)?.id !== alias.id) throw invalid("alias with combination of mount accessor and name already exists");
  const updated: EntityAlias = { ...alias, name, mountAccessor, customMetadata: checkedMetadata(change) ?? alias.customMetadata, lastUpdateTime: timestamp(env) };
  dropAlias(storage, alias);
  if (change.canonicalId === "" || change.canonicalId === entity.id) return placeAlias(storage, entity, updated);
  const target = getEntity(storage, change.canonicalId);
  if (!target) throw invalid("given 'canonical_id' is not associated with an entity");
  if (aliasOf(target, mountAccessor)) throw invalid("Alias cannot be updated as the given entity already has an alias for this mount ");
  putEntity(storage, { ...entity, aliases: entity.aliases.filter(({ id }) => id !== alias.id) });
  return placeAlias(storage, target, updated);
}

/** An unknown one is no error. */
export function deleteAlias(storage: WriteStorage, id: string, env: Environment): void {
  const found = aliasById(storage, id);
  if (!found) return;
  dropAlias(storage, found.alias);
  putEntity(storage, { ...found.entity, aliases: found.entity.aliases.filter((one) => one.id !== id), lastUpdateTime: timestamp(env) });
}

export function aliasOf(entity: Entity, mountAccessor: string): EntityAlias | undefined {
  return entity.aliases.find((one) => one.mountAccessor === mountAccessor);
}

export function newAlias(mount: Pick<MountEntry, "accessor" | "local">, name: string, env: Environment): EntityAlias {
  const now = timestamp(env);
  return { id: env.uuid(), name, mountAccessor: mount.accessor, metadata: null, customMetadata: null, local: mount.local, mergedFromCanonicalIds: [], creationTime: now, lastUpdateTime: now };
}

/** Puts an alias into its entity, in place of an older version of it. */
export function placeAlias(storage: WriteStorage, entity: Entity, alias: EntityAlias): FoundAlias {
  const others = entity.aliases.filter(({ id }) => id !== alias.id);
  const updated: Entity = { ...entity, aliases: [...others, alias], lastUpdateTime: alias.lastUpdateTime };
  putEntity(storage, updated);
  indexAlias(storage, entity.id, alias);
  return { entity: updated, alias };
}

function checkedMetadata({ customMetadata }: AliasChange): Readonly<Record<string, string>> | undefined {
  if (customMetadata) checkMetadata(customMetadata);
  return customMetadata;
}
