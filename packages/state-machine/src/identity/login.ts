import { denied } from "../errors.js";
import type { Environment, MountEntry } from "../framework/engine.js";
import type { AuthGrant } from "../framework/response.js";
import type { WriteStorage } from "../framework/storage.js";
import { aliasOf, newAlias, placeAlias } from "./aliases.js";
import { createEntity, setMembership } from "./entities.js";
import { entityByAlias, entityOfToken, getGroup, groupByAlias } from "./records.js";
import type { Entity, EntityAlias } from "./records.js";

/**
 * The entity of a login: found by mount and alias, or made with it, in the login's own write set. Its external groups of this
 * mount become those that the login names. Nothing is written where nothing changed. `storage` is scoped to `core/`.
 * Throws RequestError 403 for one that is disabled.
 */
export function entityOfLogin(storage: WriteStorage, mount: MountEntry, grant: AuthGrant, env: Environment): Entity | undefined {
  if (!grant.alias || grant.alias.name === "") return undefined;
  const { name, metadata, customMetadata: fromRole } = grant.alias;
  const known = entityByAlias(storage, mount.accessor, name);
  if (known?.disabled) throw denied();
  const alias = known && aliasOf(known, mount.accessor);
  const said = withMetadataOfRole(alias ?? newAlias(mount, name, env), fromRole);
  const wanted: EntityAlias = { ...said, metadata: metadata ?? null };
  const isSame = known && said === alias && JSON.stringify(alias.metadata) === JSON.stringify(wanted.metadata);
  const entity = isSame ? known : placeAlias(storage, known ?? createEntity(storage, {}, env), { ...wanted, lastUpdateTime: new Date(env.now()).toISOString() }).entity;
  return syncExternalGroups(storage, entity, mount.accessor, grant.groupAliases ?? []);
}

/**
 * An alias whose custom metadata has what its role says by now, without what the role of the login before said and this one
 * does not. What operators put there stays, where no role says otherwise. The very alias where nothing changes.
 */
function withMetadataOfRole(alias: EntityAlias, said: Readonly<Record<string, string>> | undefined): EntityAlias {
  if (!said && !alias.fromRole) return alias;
  const { fromRole: before = {}, ...rest } = alias;
  const others = Object.entries(alias.customMetadata ?? {}).filter(([key, value]) => before[key] !== value);
  const custom = { ...Object.fromEntries(others), ...said };
  const isSame = said && isSameMap(before, said) && isSameMap(custom, alias.customMetadata ?? {});
  return isSame ? alias : { ...rest, customMetadata: Object.keys(custom).length > 0 ? custom : null, ...(said && { fromRole: said }) };
}

function isSameMap(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

/** As a login does, for a renewal that says in which groups of its mount an entity is by now. */
export function refreshExternalGroups(storage: WriteStorage, entityId: string, mountAccessor: string, names: readonly string[]): void {
  const entity = entityOfToken(storage, entityId);
  if (entity) syncExternalGroups(storage, entity, mountAccessor, names);
}

/** Groups of other mounts are not this one's to say. */
function syncExternalGroups(storage: WriteStorage, entity: Entity, mountAccessor: string, names: readonly string[]): Entity {
  const wanted = new Set(names.flatMap((name) => groupByAlias(storage, mountAccessor, name)?.id ?? []));
  let current = entity;
  for (const id of entity.directGroupIds) {
    const group = getGroup(storage, id);
    if (group?.type === "external" && group.alias?.mountAccessor === mountAccessor && !wanted.delete(id)) current = setMembership(storage, current, id, false);
  }
  for (const id of wanted) current = setMembership(storage, current, id, true);
  return current;
}
