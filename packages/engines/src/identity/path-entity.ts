import { createEntity, data, definePath, deleteEntity, ENTITIES, entityByName, field, getEntity, invalid, keyList, mergeEntities, mountNames, NO_CONTENT, updateEntity } from "@coffer/state-machine";
import type { Entity, EntityChange, InputOf, Mount, Response, WriteStorage } from "@coffer/state-machine";
import { everyOf, listById } from "./listing.js";
import { entityBody, entityInfo } from "./views.js";

const FIELDS = {
  metadata: field.pairs({ description: "Key-value pairs kept with the entity; templated policies may use them." }),
  policies: field.commaList({ description: "Policies of whoever is this entity, beside those of the token." }),
  disabled: field.bool({ description: "Whether its tokens may do nothing, and it cannot log in." }),
};
const NAME = field.string({ description: "Name of the entity; made up when empty.", default: "" });
const ID = field.string({ description: "Id of the entity.", required: true });

type Change = Pick<InputOf<typeof FIELDS>, "metadata" | "policies" | "disabled">;

/** A new entity is told by its id; a change answers nothing. */
function upsert(storage: WriteStorage, found: Entity | undefined, change: EntityChange, { env }: Mount): Response {
  if (found) {
    updateEntity(storage, found, change, env);
    return NO_CONTENT;
  }
  const { id, name } = createEntity(storage, change, env);
  return data({ aliases: null, id, name });
}

const changeOf = ({ metadata, policies, disabled }: Change): EntityChange => ({ metadata, policies, disabled });

function byId(storage: WriteStorage, id: string): Entity {
  const entity = getEntity(storage, id);
  if (!entity) throw invalid("entity not found from id");
  return entity;
}

async function remove(storage: WriteStorage, entity: Entity | undefined): Promise<Response> {
  if (entity) await deleteEntity(storage, entity);
  return NO_CONTENT;
}

export const entityPath = definePath({
  template: "entity",
  help: { synopsis: "Creates or changes an entity.", description: "An entity is somebody, whichever way they log in. By id, or else by name; a name that is not known yet makes a new one." },
  fields: { ...FIELDS, id: field.string({ description: "Id of the entity to change.", default: "" }), name: NAME },
  operations: {
    update: {
      effect: "write", summary: "Create or change an entity.",
      handler: ({ input }, storage, mount) => upsert(storage, input.id === "" ? entityByName(storage, input.name) : byId(storage, input.id), { ...changeOf(input), name: input.name }, mount),
    },
  },
});

export const entityByIdPath = definePath({
  template: "entity/id/{id}",
  help: { synopsis: "Reads, changes or deletes an entity by its id.", description: "With an entity go its aliases and memberships; its tokens may do nothing from then on." },
  fields: { ...FIELDS, id: ID, name: NAME },
  operations: {
    read: {
      effect: "read", summary: "Read an entity.",
      handler: ({ input }, storage) => {
        const entity = getEntity(storage, input.id);
        return entity && data(entityBody(storage, entity));
      },
    },
    update: { effect: "write", summary: "Change an entity.", handler: ({ input }, storage, mount) => upsert(storage, byId(storage, input.id), { ...changeOf(input), name: input.name }, mount) },
    delete: { effect: "write", summary: "Delete an entity.", handler: ({ input }, storage) => remove(storage, getEntity(storage, input.id)) },
  },
});

export const entityByNamePath = definePath({
  template: "entity/name/{name...}",
  help: { synopsis: "Reads, creates, changes or deletes an entity by its name.", description: "Names are the same in upper and lower case." },
  fields: { ...FIELDS, name: field.string({ description: "Name of the entity.", required: true }) },
  operations: {
    read: {
      effect: "read", summary: "Read an entity.",
      handler: ({ input }, storage) => {
        const entity = entityByName(storage, input.name);
        return entity && data(entityBody(storage, entity));
      },
    },
    update: { effect: "write", summary: "Create or change an entity.", handler: ({ input }, storage, mount) => upsert(storage, entityByName(storage, input.name), { ...changeOf(input), name: input.name }, mount) },
    delete: { effect: "write", summary: "Delete an entity.", handler: ({ input }, storage) => remove(storage, entityByName(storage, input.name)) },
  },
});

export const entityIdsPath = definePath({
  template: "entity/id",
  help: { synopsis: "Lists entities by id.", description: "With their names and aliases." },
  fields: {},
  operations: {
    list: {
      effect: "read", summary: "List entities by id.",
      handler: (_request, storage) => {
        const mounts = mountNames(storage);
        return listById(storage, ENTITIES, getEntity, (entity) => entityInfo(entity, mounts));
      },
    },
  },
});

export const entityNamesPath = definePath({
  template: "entity/name",
  help: { synopsis: "Lists entities by name.", description: "Names of all entities, sorted." },
  fields: {},
  operations: {
    list: { effect: "read", summary: "List entities by name.", handler: async (_request, storage) => keyList((await everyOf(storage, ENTITIES, getEntity)).map(([, { name }]) => name).sort()) },
  },
});

export const entityBatchDeletePath = definePath({
  template: "entity/batch-delete",
  help: { synopsis: "Deletes several entities.", description: "As deleting each of them, at once. Unknown ids are no error." },
  fields: { entity_ids: field.commaList({ description: "Ids of the entities.", default: [] }) },
  operations: {
    update: {
      effect: "write", summary: "Delete several entities.",
      handler: async ({ input }, storage) => {
        if (input.entity_ids.length === 0) throw invalid("missing entity ids to delete");
        for (const id of new Set(input.entity_ids)) await remove(storage, getEntity(storage, id));
        return NO_CONTENT;
      },
    },
  },
});

export const entityMergePath = definePath({
  template: "entity/merge",
  help: { synopsis: "Merges entities into one.", description: "Aliases, memberships and second factors move to the remaining entity, and so do tokens; policies and metadata do not." },
  fields: {
    from_entity_ids: field.commaList({ description: "Ids of the entities that are merged, and then gone.", default: [] }),
    to_entity_id: field.string({ description: "Id of the entity that remains.", default: "" }),
    conflicting_alias_ids_to_keep: field.commaList({ description: "Where both have an alias on one mount: ids of those that stay.", default: [] }),
    force: field.bool({ description: "Whether second factors of the merged entities replace those of the same method.", default: false }),
  },
  operations: {
    update: {
      effect: "write", summary: "Merge entities.",
      handler: async ({ input }, storage, { env }) => {
        await mergeEntities(storage, { from: input.from_entity_ids, to: input.to_entity_id, force: input.force, aliasIdsToKeep: input.conflicting_alias_ids_to_keep }, env);
        return NO_CONTENT;
      },
    },
  },
});
