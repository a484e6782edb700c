import { data, definePath, startTidy } from "@coffer/state-machine";

export const accessorsPath = definePath({
  template: "accessors",
  help: { synopsis: "Lists the accessors of all tokens.", description: "With an accessor a token can be looked up, renewed and revoked, but not used." },
  fields: {},
  operations: {
    list: { effect: "read", access: "sudo", summary: "List the accessors of all tokens.", handler: async (_request, storage) => data({ keys: await storage.list("token/id/") }) },
  },
});

const STARTED = "Tidy operation successfully started. Any information from the operation will be printed to the server's logs.";

export const tidyPath = definePath({
  template: "tidy",
  help: { synopsis: "Cleans up after tokens.", description: "Removes entries of leases and lists of children that lead to no token. Requests leave none behind; it is for what a fault may have left. Runs in the background on the active node." },
  fields: {},
  operations: {
    update: {
      effect: "write",
      summary: "Start cleaning up.",
      responses: { 202: "Started" },
      handler: (_request, storage, { env }) => ({ kind: "envelope", data: null, status: 202, warnings: [startTidy(storage, "tokens", env) ? STARTED : "Tidy operation already in progress."] }),
    },
  },
});
