import { aliasById, data, definePath, entityByAlias, entityByName, field, getEntity, getGroup, groupByAlias, groupByAliasId, groupByName, invalid, NO_CONTENT } from "@coffer/state-machine";
import type { InputOf } from "@coffer/state-machine";
import { entityBody, groupBody } from "./views.js";

const FIELDS = {
  name: field.string({ description: "Its name.", default: "" }),
  id: field.string({ description: "Its id.", default: "" }),
  alias_id: field.string({ description: "Id of its alias.", default: "" }),
  alias_name: field.string({ description: "Name of its alias; together with `alias_mount_accessor`.", default: "" }),
  alias_mount_accessor: field.string({ description: "Accessor of the mount of its alias; together with `alias_name`.", default: "" }),
};
type Input = InputOf<typeof FIELDS>;

/** What is looked for: exactly one of four ways. Throws RequestError 400. */
function selected(input: Input): "name" | "id" | "alias_id" | "alias" {
  const isByAlias = input.alias_name !== "" || input.alias_mount_accessor !== "";
  if (isByAlias && (input.alias_name === "" || input.alias_mount_accessor === "")) throw invalid("both 'alias_name' and 'alias_mount_accessor' needs to be set");
  const given = [...(["name", "id", "alias_id"] as const).filter((one) => input[one] !== ""), ...(isByAlias ? (["alias"] as const) : [])];
  if (given.length === 0) throw invalid("query parameter not supplied");
  if (given.length > 1) throw invalid("query parameter conflict; please supply distinct set of query parameters");
  return given[0]!;
}

export const lookupEntityPath = definePath({
  template: "lookup/entity",
  help: { synopsis: "Finds an entity.", description: "By name, by id, by the id of an alias, or by mount and name of an alias. Nothing found is an empty answer (204)." },
  fields: FIELDS,
  operations: {
    update: {
      effect: "read", summary: "Find an entity.",
      handler: ({ input }, storage) => {
        const find = { name: () => entityByName(storage, input.name), id: () => getEntity(storage, input.id), alias_id: () => aliasById(storage, input.alias_id)?.entity, alias: () => entityByAlias(storage, input.alias_mount_accessor, input.alias_name) };
        const entity = find[selected(input)]();
        return entity ? data(entityBody(storage, entity)) : NO_CONTENT;
      },
    },
  },
});

export const lookupGroupPath = definePath({
  template: "lookup/group",
  help: { synopsis: "Finds a group.", description: "By name, by id, by the id of its alias, or by mount and name of its alias. Nothing found is an empty answer (204)." },
  fields: FIELDS,
  operations: {
    update: {
      effect: "read", summary: "Find a group.",
      handler: async ({ input }, storage) => {
        const find = { name: () => groupByName(storage, input.name), id: () => getGroup(storage, input.id), alias_id: () => groupByAliasId(storage, input.alias_id), alias: () => groupByAlias(storage, input.alias_mount_accessor, input.alias_name) };
        const group = find[selected(input)]();
        return group ? data(await groupBody(storage, group)) : NO_CONTENT;
      },
    },
  },
});
