import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import type { ReadStorage, WriteStorage } from "../framework/storage.js";
import { freeName, requireEntity, setMembership, timestamp } from "./entities.js";
import { checkMetadata, checkedPolicies } from "./metadata.js";
import { getEntity, getGroup, groupAliasFactorKey, groupAliasKey, groupByName, groupCodec, groupKey, groupNameKey, memberKey, membersFolder, ownerCodec } from "./records.js";
import type { Group } from "./records.js";

/** All of these take storage scoped to `core/`. Only what is given changes; lists of members replace what was there. */
export interface GroupChange {
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly memberEntityIds?: readonly string[] | undefined;
  readonly memberGroupIds?: readonly string[] | undefined;
}

export function putGroup(storage: WriteStorage, group: Group): void {
  storage.put(groupKey(group.id), groupCodec, { ...group, modifyIndex: group.modifyIndex + 1 });
}

export async function createGroup(storage: WriteStorage, change: GroupChange, env: Environment): Promise<Group> {
  const now = timestamp(env);
  const type = change.type || "internal";
  if (type !== "internal" && type !== "external") throw invalid(`invalid group type ${JSON.stringify(type)}`);
  const empty: Group = { id: env.uuid(), name: "", type, metadata: null, policies: null, memberGroupIds: [], parentGroupIds: [], alias: null, modifyIndex: 0, creationTime: now, lastUpdateTime: now };
  return updateGroup(storage, empty, { ...change, type, name: change.name || freeName("group", (name) => groupByName(storage, name) !== undefined, env) }, env);
}

/** Throws RequestError 400 for a taken name, unknown members, a circle of groups. */
export async function updateGroup(storage: WriteStorage, group: Group, change: GroupChange, env: Environment): Promise<Group> {
  const name = change.name || group.name;
  if (change.type && change.type !== group.type) throw invalid("group type cannot be changed");
  if (change.metadata) checkMetadata(change.metadata);
  const holder = groupByName(storage, name);
  if (holder && holder.id !== group.id) throw invalid("group name is already in use");
  if (group.type === "external") {
    if (change.memberEntityIds?.length) throw invalid("member entities can't be set manually for external groups");
    if (change.memberGroupIds?.length) throw invalid("member groups can't be set for external groups");
  }
  const updated: Group = {
    ...group,
    name,
    metadata: change.metadata ?? group.metadata,
    policies: change.policies ? checkedPolicies(change.policies) : group.policies,
    memberGroupIds: change.memberGroupIds ? [...new Set(change.memberGroupIds)] : group.memberGroupIds,
    lastUpdateTime: group.name === "" ? group.creationTime : timestamp(env),
  };
  if (group.name !== "" && group.name !== name) storage.delete(groupNameKey(group.name));
  storage.put(groupNameKey(name), ownerCodec, { owner: group.id });
  // Before members refer to it.
  putGroup(storage, updated);
  relinkChildren(storage, group, updated);
  if (change.memberEntityIds && group.type === "internal") await setMembers(storage, group.id, change.memberEntityIds);
  return getGroup(storage, group.id)!;
}

/** Groups know those that contain them: that is the way a request goes. */
function relinkChildren(storage: WriteStorage, before: Group, after: Group): void {
  const above = ancestors(storage, after.id);
  for (const id of after.memberGroupIds) {
    if (before.memberGroupIds.includes(id)) continue;
    if (id === after.id) throw invalid(`member group ID ${JSON.stringify(id)} is same as the ID of the group`);
    const child = getGroup(storage, id);
    if (!child) throw invalid(`invalid member group ID ${JSON.stringify(id)}`);
    if (above.has(id)) throw invalid(`cyclic relationship detected for member group ID ${JSON.stringify(id)}`);
    putGroup(storage, { ...child, parentGroupIds: [...child.parentGroupIds, after.id] });
  }
  for (const id of before.memberGroupIds) {
    const child = after.memberGroupIds.includes(id) ? undefined : getGroup(storage, id);
    if (child) putGroup(storage, { ...child, parentGroupIds: child.parentGroupIds.filter((one) => one !== after.id) });
  }
}

function ancestors(storage: ReadStorage, id: string): Set<string> {
  const found = new Set<string>();
  const pending = [...(getGroup(storage, id)?.parentGroupIds ?? [])];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    pending.push(...(getGroup(storage, next)?.parentGroupIds ?? []));
  }
  return found;
}

/** Sorted. The list is not checked at commit; whoever decides by it writes the group, or the entities. */
export function membersOf(storage: ReadStorage, groupId: string): Promise<string[]> {
  return storage.list(membersFolder(groupId));
}

async function setMembers(storage: WriteStorage, groupId: string, ids: readonly string[]): Promise<void> {
  const wanted = new Set(ids);
  for (const id of wanted) {
    const entity = requireEntity(storage, id, `invalid entity ID ${JSON.stringify(id)}`);
    if (!entity.directGroupIds.includes(groupId)) setMembership(storage, entity, groupId, true);
  }
  for (const id of await membersOf(storage, groupId)) {
    const entity = wanted.has(id) ? undefined : getEntity(storage, id);
    if (entity) setMembership(storage, entity, groupId, false);
  }
}

/** Entities that name it learn of it when they are next written; until then it is looked for in vain. */
export async function deleteGroup(storage: WriteStorage, group: Group): Promise<void> {
  for (const id of await membersOf(storage, group.id)) storage.delete(memberKey(group.id, id));
  for (const id of group.parentGroupIds) {
    const parent = getGroup(storage, id);
    if (parent) putGroup(storage, { ...parent, memberGroupIds: parent.memberGroupIds.filter((one) => one !== group.id) });
  }
  for (const id of group.memberGroupIds) {
    const child = getGroup(storage, id);
    if (child) putGroup(storage, { ...child, parentGroupIds: child.parentGroupIds.filter((one) => one !== group.id) });
  }
  if (group.alias) {
    storage.delete(groupAliasKey(group.alias.id));
    storage.delete(groupAliasFactorKey(group.alias.mountAccessor, group.alias.name));
  }
  storage.delete(groupNameKey(group.name));
  storage.delete(groupKey(group.id));
}
