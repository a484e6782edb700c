import { definePath, field, NO_CONTENT } from "@coffer/state-machine";
import { rotateRoot } from "./root-password.js";

export const rotateRootPath = definePath({
  template: "rotate-root/{name}",
  help: { synopsis: "Changes the password of a connection's own user.", description: "From then on nobody but Coffer knows it. Where it is changed by a period too, that counts from now." },
  fields: { name: field.name({ description: "Name of the database connection.", required: true }) },
  operations: {
    update: {
      effect: "write",
      summary: "Change the password of the connection's own user.",
      async handler({ input: { name } }, storage, mount) {
        await rotateRoot(name, storage, mount);
        return NO_CONTENT;
      },
    },
  },
});
