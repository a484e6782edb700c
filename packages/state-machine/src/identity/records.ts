import { jsonCodec } from "../framework/storage.js";
import type { ReadStorage } from "../framework/storage.js";
import { hashedName } from "../store/hashed-name.js";

/**
 * Who there is, as stored. All keys are below `core/`:
 *
 * - `identity/entity/<id>`: an entity with its aliases and the ids of the groups it is directly in, so that what a request
 *   needs to know of its caller is one read, and one more for each group.
 * - `identity/entity-name/<hash>`, `identity/alias-factor/<hash>`, `identity/alias/<id>`: what finds an entity by its name, by
 *   mount and alias name, by alias id. Uniqueness is kept by reading these before they are written.
 * - `identity/group/<id>` and the same indexes for groups and their aliases.
 * - `identity/member/<group>/<entity>`: the way back from a group to its members, a key each: a login that joins a group of
 *   many thousands writes neither the group nor anything another login writes.
 * - `identity/merged/<id>`: the entity that this one was merged into; its tokens go on as that one's.
 */
export interface Entity {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** Null: never set. */
  readonly policies: readonly string[] | null;
  readonly disabled: boolean;
  readonly aliases: readonly EntityAlias[];
  /** May name groups that are gone; ids are never given twice. */
  readonly directGroupIds: readonly string[];
  readonly mergedEntityIds: readonly string[];
  /** RFC 3339, as all times here. */
  readonly creationTime: string;
  readonly lastUpdateTime: string;
}

/** What an auth mount calls an entity. */
export interface EntityAlias {
  readonly id: string;
  readonly name: string;
  readonly mountAccessor: string;
  /** Set by the auth method at each login. */
  readonly metadata: Readonly<Record<string, string>> | null;
  /** Set by operators, and by roles with `alias_metadata`. */
  readonly customMetadata: Readonly<Record<string, string>> | null;
  /** What the role of the last login put into `customMetadata`; absent: nothing. */
  readonly fromRole?: Readonly<Record<string, string>>;
  readonly local: boolean;
  readonly mergedFromCanonicalIds: readonly string[];
  readonly creationTime: string;
  readonly lastUpdateTime: string;
}

export interface Group {
  readonly id: string;
  readonly name: string;
  /** Members of an external group are whom its auth mount says, at each login. */
  readonly type: "internal" | "external";
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly policies: readonly string[] | null;
  readonly memberGroupIds: readonly string[];
  readonly parentGroupIds: readonly string[];
  readonly alias: GroupAlias | null;
  readonly modifyIndex: number;
  readonly creationTime: string;
  readonly lastUpdateTime: string;
}

export interface GroupAlias {
  readonly id: string;
  readonly name: string;
  readonly mountAccessor: string;
  readonly creationTime: string;
  readonly lastUpdateTime: string;
}

export const ENTITIES = "identity/entity/";
export const GROUPS = "identity/group/";
export const ENTITY_ALIASES = "identity/alias/";
export const GROUP_ALIASES = "identity/group-alias/";

export const entityKey = (id: string) => ENTITIES + id;
export const groupKey = (id: string) => GROUPS + id;
export const aliasKey = (id: string) => ENTITY_ALIASES + id;
export const groupAliasKey = (id: string) => GROUP_ALIASES + id;
export const mergedKey = (id: string) => `identity/merged/${id}`;
export const membersFolder = (groupId: string) => `identity/member/${groupId}/`;
export const memberKey = (groupId: string, entityId: string) => membersFolder(groupId) + entityId;

/** Names may be anything, and are the same in upper and lower case; keys may not. */
const hash = (text: string) => hashedName(text.toLowerCase());
export const entityNameKey = (name: string) => `identity/entity-name/${hash(name)}`;
export const groupNameKey = (name: string) => `identity/group-name/${hash(name)}`;
export const aliasFactorKey = (mountAccessor: string, name: string) => `identity/alias-factor/${hash(`${mountAccessor}/${name}`)}`;
export const groupAliasFactorKey = (mountAccessor: string, name: string) => `identity/group-alias-factor/${hash(`${mountAccessor}/${name}`)}`;

export const entityCodec = jsonCodec<Entity>();
export const groupCodec = jsonCodec<Group>();
/** The entity or group that an index entry leads to. */
export const ownerCodec = jsonCodec<{ readonly owner: string }>();
export const emptyCodec = jsonCodec<Record<string, never>>();

/** All of these take storage scoped to `core/`. */
export function getEntity(storage: ReadStorage, id: string): Entity | undefined {
  return id === "" ? undefined : storage.get(entityKey(id), entityCodec);
}

/** The entity of a token: also of one that has since been merged into another. */
export function entityOfToken(storage: ReadStorage, id: string): Entity | undefined {
  const entity = getEntity(storage, id);
  if (entity || id === "") return entity;
  const merged = storage.get(mergedKey(id), ownerCodec);
  return merged && getEntity(storage, merged.owner);
}

export function getGroup(storage: ReadStorage, id: string): Group | undefined {
  return id === "" ? undefined : storage.get(groupKey(id), groupCodec);
}

function ownedBy(storage: ReadStorage, key: string): string {
  return storage.get(key, ownerCodec)?.owner ?? "";
}

export const entityByName = (storage: ReadStorage, name: string) => getEntity(storage, ownedBy(storage, entityNameKey(name)));
export const entityByAlias = (storage: ReadStorage, mountAccessor: string, name: string) => getEntity(storage, ownedBy(storage, aliasFactorKey(mountAccessor, name)));
export const groupByName = (storage: ReadStorage, name: string) => getGroup(storage, ownedBy(storage, groupNameKey(name)));
export const groupByAlias = (storage: ReadStorage, mountAccessor: string, name: string) => getGroup(storage, ownedBy(storage, groupAliasFactorKey(mountAccessor, name)));

export interface FoundAlias {
  readonly entity: Entity;
  readonly alias: EntityAlias;
}

export function aliasById(storage: ReadStorage, id: string): FoundAlias | undefined {
  const entity = id === "" ? undefined : getEntity(storage, ownedBy(storage, aliasKey(id)));
  const alias = entity?.aliases.find((one) => one.id === id);
  return entity && alias && { entity, alias };
}

export function groupByAliasId(storage: ReadStorage, id: string): Group | undefined {
  return id === "" ? undefined : getGroup(storage, ownedBy(storage, groupAliasKey(id)));
}
