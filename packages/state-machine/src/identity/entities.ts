import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { checkMetadata, checkedPolicies } from "./metadata.js";
import { aliasFactorKey, aliasKey, emptyCodec, entityByName, entityCodec, entityKey, entityNameKey, getEntity, getGroup, memberKey, ownerCodec } from "./records.js";
import type { Entity, EntityAlias } from "./records.js";

/** All of these take storage scoped to `core/`. Only what is given changes. */
export interface EntityChange {
  readonly name?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly disabled?: boolean | undefined;
}

export const timestamp = (env: Environment) => new Date(env.now()).toISOString();

/** As Vault makes names up: "entity_6d1f08ab". */
export function freeName(kind: "entity" | "group", isTaken: (name: string) => boolean, env: Environment): string {
  for (;;) {
    const name = `${kind}_${Buffer.from(env.randomBytes(4)).toString("hex")}`;
    if (!isTaken(name)) return name;
  }
}

export function putEntity(storage: WriteStorage, entity: Entity): void {
  // Groups that are gone since are dropped on the way.
  const directGroupIds = entity.directGroupIds.filter((id) => getGroup(storage, id) !== undefined);
  storage.put(entityKey(entity.id), entityCodec, { ...entity, directGroupIds });
}

/** Throws RequestError 400 where the name is taken, or what is given is not allowed. */
export function createEntity(storage: WriteStorage, change: EntityChange, env: Environment): Entity {
  const now = timestamp(env);
  const empty: Entity = { id: env.uuid(), name: "", metadata: null, policies: null, disabled: false, aliases: [], directGroupIds: [], mergedEntityIds: [], creationTime: now, lastUpdateTime: now };
  return updateEntity(storage, empty, { ...change, name: change.name || freeName("entity", (name) => entityByName(storage, name) !== undefined, env) }, env);
}

export function updateEntity(storage: WriteStorage, entity: Entity, change: EntityChange, env: Environment): Entity {
  const name = change.name || entity.name;
  if (change.metadata) checkMetadata(change.metadata);
  const holder = entityByName(storage, name);
  if (holder && holder.id !== entity.id) throw invalid("entity name is already in use");
  const updated: Entity = {
    ...entity,
    name,
    metadata: change.metadata ?? entity.metadata,
    policies: change.policies ? checkedPolicies(change.policies) : entity.policies,
    disabled: change.disabled ?? entity.disabled,
    lastUpdateTime: entity.name === "" ? entity.creationTime : timestamp(env),
  };
  if (entity.name !== "" && entity.name !== name) storage.delete(entityNameKey(entity.name));
  storage.put(entityNameKey(name), ownerCodec, { owner: entity.id });
  putEntity(storage, updated);
  return updated;
}

/** With its aliases, memberships and second factors. */
export async function deleteEntity(storage: WriteStorage, entity: Entity): Promise<void> {
  for (const alias of entity.aliases) dropAlias(storage, alias);
  for (const groupId of entity.directGroupIds) storage.delete(memberKey(groupId, entity.id));
  for (const methodId of await storage.list(secretsFolder(entity.id))) storage.delete(secretsFolder(entity.id) + methodId);
  storage.delete(entityNameKey(entity.name));
  storage.delete(entityKey(entity.id));
}

/** Where the mfa room keeps the second factors of an entity, one key a method. */
export const SECRETS = "mfa/secret/";
export const secretsFolder = (entityId: string) => `${SECRETS}${entityId}/`;

export function dropAlias(storage: WriteStorage, alias: EntityAlias): void {
  storage.delete(aliasFactorKey(alias.mountAccessor, alias.name));
  storage.delete(aliasKey(alias.id));
}

export function indexAlias(storage: WriteStorage, entityId: string, alias: EntityAlias): void {
  storage.put(aliasFactorKey(alias.mountAccessor, alias.name), ownerCodec, { owner: entityId });
  storage.put(aliasKey(alias.id), ownerCodec, { owner: entityId });
}

/** The entity, in this group from now on (or no longer). */
export function setMembership(storage: WriteStorage, entity: Entity, groupId: string, isMember: boolean): Entity {
  const others = entity.directGroupIds.filter((id) => id !== groupId);
  const changed: Entity = { ...entity, directGroupIds: isMember ? [...others, groupId] : others };
  if (isMember) storage.put(memberKey(groupId, entity.id), emptyCodec, {});
  else storage.delete(memberKey(groupId, entity.id));
  putEntity(storage, changed);
  return changed;
}

/** Throws RequestError 400 with this text for an unknown id. */
export function requireEntity(storage: ReadStorage, id: string, otherwise: string): Entity {
  const entity = getEntity(storage, id);
  if (!entity) throw invalid(otherwise);
  return entity;
}
