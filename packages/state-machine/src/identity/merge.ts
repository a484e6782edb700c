import { invalid } from "../errors.js";
import type { Environment } from "../framework/engine.js";
import { jsonCodec } from "../framework/storage.js";
import type { WriteStorage } from "../framework/storage.js";
import { deleteEntity, dropAlias, indexAlias, putEntity, requireEntity, secretsFolder, setMembership, timestamp } from "./entities.js";
import { getEntity, mergedKey, ownerCodec } from "./records.js";
import type { Entity, EntityAlias } from "./records.js";

export interface Merge {
  readonly from: readonly string[];
  readonly to: string;
  /** Of two second factors of one method, the one that is merged in wins; without it that is an error. */
  readonly force: boolean;
  /** Where both have an alias on one mount: which of them stays. */
  readonly aliasIdsToKeep: readonly string[];
}

const secretCodec = jsonCodec<unknown>();

/**
 * Makes several entities one: aliases, groups and second factors move over; policies and metadata do not. Tokens of the merged
 * ones are the remaining one's from then on. `storage` is scoped to `core/`. Throws RequestError 400.
 */
export async function mergeEntities(storage: WriteStorage, merge: Merge, env: Environment): Promise<void> {
  if (merge.to === "") throw invalid("missing entity id to merge to");
  if (merge.from.length === 0) throw invalid("missing entity ids to merge from");
  const from = [...new Set(merge.from)];
  if (from.length > 1 && merge.aliasIdsToKeep.length > 1) throw invalid("aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time");
  requireEntity(storage, merge.to, "entity id to merge to is invalid");
  if (from.includes(merge.to)) throw invalid("to_entity_id should not be present in from_entity_ids");
  for (const id of from) requireEntity(storage, id, "entity id to merge from is invalid");
  for (const id of from) await mergeOne(storage, getEntity(storage, id)!, getEntity(storage, merge.to)!, merge, env);
}

async function mergeOne(storage: WriteStorage, from: Entity, to: Entity, merge: Merge, env: Environment): Promise<void> {
  await moveSecrets(storage, from, to, merge.force);
  const { kept, dropped } = chosenAliases(from, to, merge.aliasIdsToKeep);
  const now = timestamp(env);
  await deleteEntity(storage, from);
  for (const alias of dropped) dropAlias(storage, alias);
  for (const alias of kept) indexAlias(storage, to.id, alias);
  let merged: Entity = {
    ...to,
    aliases: kept.map((alias) => (from.aliases.includes(alias) ? { ...alias, mergedFromCanonicalIds: [...alias.mergedFromCanonicalIds, from.id], lastUpdateTime: now } : alias)),
    mergedEntityIds: [...to.mergedEntityIds, ...from.mergedEntityIds, from.id],
    lastUpdateTime: now,
  };
  putEntity(storage, merged);
  for (const groupId of from.directGroupIds) if (!merged.directGroupIds.includes(groupId)) merged = setMembership(storage, merged, groupId, true);
  for (const id of [...from.mergedEntityIds, from.id]) storage.put(mergedKey(id), ownerCodec, { owner: to.id });
}

/** An entity has one alias a mount. Throws RequestError 400 where nobody said which. */
function chosenAliases(from: Entity, to: Entity, keep: readonly string[]): { readonly kept: readonly EntityAlias[]; readonly dropped: readonly EntityAlias[] } {
  const kept = [...to.aliases];
  const dropped: EntityAlias[] = [];
  for (const alias of from.aliases) {
    const at = kept.findIndex((one) => one.mountAccessor === alias.mountAccessor);
    const rival = kept[at];
    if (!rival) kept.push(alias);
    else if (keep.includes(alias.id)) {
      kept[at] = alias;
      dropped.push(rival);
    } else if (keep.includes(rival.id)) dropped.push(alias);
    else throw invalid(`toEntity and at least one fromEntity have aliases with the same mount accessor, repeat the merge request specifying exactly one fromEntity, clashes: mountAccessor: ${alias.mountAccessor}, toEntity ID: ${to.id}, fromEntity ID: ${from.id}, conflicting toEntity alias ID: ${rival.id}, conflicting fromEntity alias ID: ${alias.id}`);
  }
  return { kept, dropped };
}

async function moveSecrets(storage: WriteStorage, from: Entity, to: Entity, force: boolean): Promise<void> {
  for (const methodId of await storage.list(secretsFolder(from.id))) {
    const secret = storage.get(secretsFolder(from.id) + methodId, secretCodec);
    const target = secretsFolder(to.id) + methodId;
    if (!force && storage.get(target, secretCodec) !== undefined) throw invalid(`conflicting MFA config ID ${JSON.stringify(methodId)} in entity ID ${JSON.stringify(from.id)}`);
    storage.put(target, secretCodec, secret);
  }
}
