import { aliasById, data, definePath, deleteAlias, ENTITY_ALIASES, field, invalid, mountNames, NO_CONTENT, putAlias, updateAlias } from "@coffer/state-machine";
import type { FoundAlias, InputOf, Mount, Response, WriteStorage } from "@coffer/state-machine";
import { listById } from "./listing.js";
import { aliasBody, aliasInfo } from "./views.js";

const FIELDS = {
  name: field.string({ description: "What the auth mount calls the entity: a user name, a role id.", default: "" }),
  mount_accessor: field.string({ description: "Accessor of the auth mount.", default: "" }),
  canonical_id: field.string({ description: "Id of the entity; a new one is made when empty.", default: "" }),
  entity_id: field.string({ description: "Older name of `canonical_id`.", deprecated: true, default: "" }),
  custom_metadata: field.pairs({ description: "Key-value pairs kept with the alias; templated policies may use them." }),
};

function upsert(storage: WriteStorage, id: string, input: InputOf<typeof FIELDS>, { env }: Mount): Response {
  const change = { name: input.name, mountAccessor: input.mount_accessor, canonicalId: input.canonical_id || input.entity_id, customMetadata: input.custom_metadata };
  const { entity, alias } = id === "" ? putAlias(storage, change, env) : updateAlias(storage, known(storage, id), change, env);
  return data({ canonical_id: entity.id, id: alias.id });
}

function known(storage: WriteStorage, id: string): FoundAlias {
  const found = aliasById(storage, id);
  if (!found) throw invalid("invalid alias ID provided");
  return found;
}

/** By their name of today, and by two that Vault had before. */
export const entityAliasPaths = (["entity-alias", "alias", "persona"] as const).flatMap((root) => [
  definePath({
    template: root,
    help: { synopsis: "Creates or changes an alias of an entity.", description: "An alias is what an auth mount calls an entity. A login by an alias that is not known yet makes both." },
    fields: { ...FIELDS, id: field.string({ description: "Id of the alias to change.", default: "" }) },
    operations: { update: { effect: "write", summary: "Create or change an alias.", handler: ({ input }, storage, mount) => upsert(storage, input.id, input, mount) } },
  }),
  definePath({
    template: `${root}/id`,
    help: { synopsis: "Lists aliases by id.", description: "With their names and mounts." },
    fields: {},
    operations: {
      list: {
        effect: "read", summary: "List aliases by id.",
        handler: (_request, storage) => {
          const mounts = mountNames(storage);
          return listById(storage, ENTITY_ALIASES, aliasById, ({ alias, entity }) => aliasInfo(alias, entity.id, mounts));
        },
      },
    },
  }),
  definePath({
    template: `${root}/id/{id}`,
    help: { synopsis: "Reads, changes or deletes an alias by its id.", description: "An entity stays when its alias goes." },
    fields: { ...FIELDS, id: field.string({ description: "Id of the alias.", required: true }) },
    operations: {
      read: {
        effect: "read", summary: "Read an alias.",
        handler: ({ input }, storage) => {
          const found = aliasById(storage, input.id);
          return found && data({ ...aliasBody(found.alias, found.entity.id, mountNames(storage)), namespace_id: "root" });
        },
      },
      update: { effect: "write", summary: "Change an alias.", handler: ({ input }, storage, mount) => upsert(storage, input.id, input, mount) },
      delete: {
        effect: "write", summary: "Delete an alias.",
        handler: ({ input }, storage, { env }) => {
          deleteAlias(storage, input.id, env);
          return NO_CONTENT;
        },
      },
    },
  }),
]);
