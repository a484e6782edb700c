import { definePath, field, invalid, NO_CONTENT, RequestError } from "@coffer/state-machine";

/** Token roles are not there yet. Their paths say so, rather than look like a mistyped path. */
const notYet = () => new RequestError("not_implemented", "token roles are not supported by this version; create tokens with auth/token/create");

const ROLE_NAME = field.string({ description: "Name of the role.", required: true });

export const rolesPath = definePath({
  template: "roles",
  help: { synopsis: "Lists token roles.", description: "This version has none." },
  fields: {},
  operations: { list: { effect: "read", summary: "List token roles; there are none.", handler: () => undefined } },
});

export const rolePath = definePath({
  template: "roles/{role_name}",
  help: { synopsis: "Token roles.", description: "This version has none: a read finds nothing, a write answers 501." },
  fields: { role_name: ROLE_NAME },
  operations: {
    read: { effect: "read", summary: "Read a role; there are none.", handler: () => undefined },
    update: {
      effect: "read",
      summary: "Refused: roles are not supported yet.",
      handler: () => {
        throw notYet();
      },
    },
    delete: { effect: "read", summary: "Delete a role; there are none.", handler: () => NO_CONTENT },
  },
});

export const createAgainstRolePath = definePath({
  template: "create/{role_name}",
  help: { synopsis: "Creates a token by a role.", description: "This version has no roles, so none is known." },
  fields: { role_name: ROLE_NAME },
  freeForm: true,
  operations: {
    update: {
      effect: "read",
      summary: "Refused: no role is known.",
      handler: ({ input }) => {
        throw invalid(`unknown role ${input.role_name}`);
      },
    },
  },
});
