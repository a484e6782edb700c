import type { ReadStorage } from "../framework/storage.js";
import { aclFor } from "../policy/index.js";
import type { Acl } from "../policy/index.js";
import { entityOfToken, getGroup } from "./records.js";
import type { Entity, Group } from "./records.js";

/** An entity with all that follows from its groups. */
export interface Identity {
  readonly entity: Entity;
  /** Direct ones first, then those that contain them. */
  readonly groups: readonly Group[];
  /** Of the entity and of all its groups: sorted, lower case. */
  readonly policies: readonly string[];
}

interface Known {
  /** Every group that was looked for, also in vain. */
  readonly looked: readonly (readonly [id: string, group: Group | undefined])[];
  readonly identity: Identity;
}

/** By the very value that the store's cache holds of an entity: it lives as long as that version does. */
const known = new WeakMap<Entity, Known>();

/**
 * Of a token's entity. What was made of it once holds for as long as entity and groups are the same versions; that is looked up
 * by their keys, without a list or a promise, and so whoever decides by it conflicts with whoever changes it.
 * `storage` is scoped to `core/`.
 */
export function identityOf(storage: ReadStorage, entityId: string): Identity | undefined {
  const entity = entityOfToken(storage, entityId);
  if (!entity) return undefined;
  const before = known.get(entity);
  if (before && before.looked.every(([id, group]) => getGroup(storage, id) === group)) return before.identity;
  const looked = walk(storage, entity.directGroupIds);
  const groups = looked.flatMap(([, group]) => (group ? [group] : []));
  const names = [entity.policies, ...groups.map(({ policies }) => policies)].flatMap((policies) => policies ?? []);
  const identity: Identity = { entity, groups, policies: [...new Set(names.map((name) => name.toLowerCase()))].sort() };
  known.set(entity, { looked, identity });
  return identity;
}

/** The groups themselves, and all that contain them; nearest first. */
function walk(storage: ReadStorage, ids: readonly string[]): (readonly [string, Group | undefined])[] {
  const looked = new Map<string, Group | undefined>();
  const pending = [...ids];
  for (let id = pending.shift(); id !== undefined; id = pending.shift()) {
    if (looked.has(id)) continue;
    const group = getGroup(storage, id);
    looked.set(id, group);
    if (group) pending.push(...group.parentGroupIds);
  }
  return [...looked];
}

/** Whoever comes with a token: the token itself, or a caller as handlers see it. */
export interface Bearer {
  readonly policies: readonly string[];
  /** Empty: none. */
  readonly entityId: string;
}

const names = new WeakMap<Bearer, { readonly identity: Identity; readonly policies: readonly string[] }>();
const NONE: readonly string[] = Object.freeze([]);

/** A token's own policies and those of its entity, sorted. */
export function effectivePolicies(own: readonly string[], identity: Pick<Identity, "policies"> | undefined): readonly string[] {
  return identity && identity.policies.length > 0 ? [...new Set([...own, ...identity.policies])].sort() : own;
}

/** What a bearer may do at `now` (milliseconds since 1970). With an entity that is disabled, or gone, it may do nothing. `storage` is scoped to `core/`. */
export function aclOf(storage: ReadStorage, bearer: Bearer, now: number): Acl {
  if (bearer.entityId === "") return aclFor(storage, bearer.policies, now);
  const identity = identityOf(storage, bearer.entityId);
  if (!identity || identity.entity.disabled) return aclFor(storage, NONE, now);
  let merged = names.get(bearer);
  if (merged?.identity !== identity) {
    merged = { identity, policies: effectivePolicies(bearer.policies, identity) };
    names.set(bearer, merged);
  }
  return aclFor(storage, merged.policies, now, identity);
}
