import { data, definePath } from "@coffer/state-machine";

export const accessorsPath = definePath({
  template: "accessors",
  help: { synopsis: "Lists the accessors of all tokens.", description: "With an accessor a token can be looked up, renewed and revoked, but not used." },
  fields: {},
  operations: {
    list: { effect: "read", access: "sudo", summary: "List the accessors of all tokens.", handler: async (_request, storage) => data({ keys: await storage.list("token/accessor/") }) },
  },
});

export const tidyPath = definePath({
  template: "tidy",
  help: { synopsis: "Cleans up after tokens.", description: "Kept for compatibility: what belongs to a token goes in the same write as the token, so that there is nothing to clean up." },
  fields: {},
  operations: {
    update: {
      effect: "read",
      summary: "Do nothing, and say so.",
      handler: () => ({ kind: "envelope", data: null, status: 202, warnings: ["Tidy operation successfully started. There is nothing to clean up: what belongs to a token goes with it."] }),
    },
  },
});
